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

pt_status hist_tag_by_path(hist *h, pt_slice path, pt_arena *arena, hist_tag *out)
{
    uint32_t id = 0;
    pt_status st = refresh(h);
    if (st == PT_OK) st = hist__catalog_by_path(&h->catalog, path, &id);
    return st == PT_OK ? tag_of(h, id, arena, out) : st;
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
