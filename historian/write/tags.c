/* historian/write/tags.c -- tags as the historian's users see them: their names from the catalogue, what is stored of them from the pending
 * rows' counts. */
#include "historian/write/write.h"

pt_status hist_tag_ensure(hist *h, const hist_tag_key *key, pt_slice path, spb_datatype type, pt_slice unit, uint32_t *tag_id)
{
    return hist__catalog_ensure(&h->catalog, key, path, type, unit, pt_wall_ms(h->clock), h->lock_fd >= 0, tag_id);
}

static pt_status refresh(hist *h)
{
    return h->lock_fd < 0 ? hist__journal_refresh(h, NULL) : PT_OK;
}

static pt_status tag_of(hist *h, uint32_t tag_id, pt_arena *arena, hist_tag *out)
{
    hist_tag tag;
    pt_status st = hist__catalog_tag(&h->catalog, tag_id, arena, &tag);
    if (st != PT_OK) return st;
    hist__stored stored = hist__pending_stored(&h->pending, tag_id);
    tag.samples = stored.samples;
    tag.first_ms = stored.samples ? stored.first_ms : 1;
    tag.last_ms = stored.samples ? stored.last_ms : 0;
    *out = tag;
    return PT_OK;
}

uint32_t hist_path_owner(hist *h, pt_slice path)
{
    return hist__catalog_owner(&h->catalog, path);
}

pt_status hist_path_take(hist *h, pt_slice path, uint32_t tag_id, int64_t since_ms)
{
    return h->lock_fd < 0 ? PT_EREADONLY : hist__catalog_take(&h->catalog, path, tag_id, since_ms, pt_wall_ms(h->clock));
}

pt_status hist_path_claims(hist *h, pt_slice path, pt_arena *arena, hist_claim **out, size_t *n, pt_error *err)
{
    *out = NULL;
    *n = 0;
    pt_status st = h->lock_fd < 0 ? hist__journal_refresh(h, err) : PT_OK;
    return st == PT_OK ? hist__catalog_claims(&h->catalog, path, pt_wall_ms(h->clock), arena, out, n, err) : st;
}

pt_status hist_tag_by_path(hist *h, pt_slice path, pt_arena *arena, hist_tag *out)
{
    hist_claim *claims = NULL;
    size_t n = 0;
    pt_status st = refresh(h);
    uint32_t owner = st == PT_OK ? hist_path_owner(h, path) : 0;
    if (owner || st != PT_OK) return owner ? tag_of(h, owner, arena, out) : st;
    st = hist_path_claims(h, path, arena, &claims, &n, NULL);
    if (st != PT_OK) return st;
    return n ? tag_of(h, claims[n - 1].tag_id, arena, out) : PT_ENOTFOUND;
}

pt_status hist_tag_by_id(hist *h, uint32_t tag_id, pt_arena *arena, hist_tag *out)
{
    pt_status st = tag_id > hist__tag_count(h) ? refresh(h) : PT_OK;
    return st == PT_OK ? tag_of(h, tag_id, arena, out) : st;
}

pt_status hist_tag_each(hist *h, bool (*each)(void *ctx, const hist_tag *tag), void *ctx)
{
    pt_status st = refresh(h);
    pt_arena arena;
    pt_arena_init(&arena, 64u << 20);
    uint32_t n = hist__tag_count(h);
    for (uint32_t id = 1; st == PT_OK && id <= n; id++) {
        hist_tag tag;
        st = tag_of(h, id, &arena, &tag);
        if (st == PT_OK && !each(ctx, &tag)) break;
        if (st == PT_ENOTFOUND) st = PT_OK; /* a gap in the ids */
        pt_arena_reset(&arena);
    }
    pt_arena_fini(&arena);
    return st;
}

pt_status hist_path_line(hist *h, pt_slice path, pt_arena *arena, hist_line *out, pt_error *err)
{
    hist_claim *of = NULL;
    size_t n = 0;
    pt_status st = hist_path_claims(h, path, arena, &of, &n, err);
    if (st != PT_OK) return st;
    if (n == 0) return pt_fail(err, PT_ENOTFOUND, "there is no tag %.*s", PT_SLICE_ARGS(path));
    *out = hist_of_tag(of[n - 1].tag_id);
    if (n == 1 && of[0].to_ms == INT64_MAX) return PT_OK;
    hist_claim *line = pt_arena_alloc(arena, (2 * n) * sizeof *line);
    if (!line) return pt_fail(err, PT_ENOMEM, "out of memory");
    size_t k = 0;
    for (size_t i = 0; i < n; i++) {
        line[k++] = of[i];
        int64_t next = i + 1 < n ? of[i + 1].from_ms : INT64_MAX;
        if (of[i].to_ms < next) line[k++] = (hist_claim){ .tag_id = 0, .from_ms = of[i].to_ms, .to_ms = next };
    }
    line[0].from_ms = INT64_MIN;
    out->claims = line;
    out->n = k;
    return PT_OK;
}
