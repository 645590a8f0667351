/* tests/fuzz/few_inputs.c -- stands in for libFuzzer where that is not: a number of inputs from a seeded generator, so that every target is
 * built and runs with the other tests, under the sanitizers, too. Inputs are random bytes, and between them earlier inputs with some bytes
 * changed. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv) __attribute__((weak)); /* not every target has one */

enum { LONGEST = 400, KEPT = 16 };

static uint64_t next(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

int main(int argc, char **argv)
{
    static uint8_t kept[KEPT][LONGEST];
    size_t sizes[KEPT] = { 0 };
    uint64_t state = 0x9e3779b97f4a7c15u;
    unsigned long inputs = argc > 1 ? strtoul(argv[1], NULL, 10) : 1000;
    if (LLVMFuzzerInitialize) LLVMFuzzerInitialize(&argc, &argv);
    for (unsigned long i = 0; i < inputs; i++) {
        uint8_t *p = kept[i % KEPT];
        size_t *size = &sizes[i % KEPT];
        if (i % 3 == 2) { /* another one, changed in a place or two */
            size_t from = next(&state) % KEPT;
            memmove(p, kept[from], sizes[from]);
            *size = sizes[from];
            for (uint64_t k = 1 + next(&state) % 3; *size && k > 0; k--)
                p[next(&state) % *size] = (uint8_t)next(&state);
        } else {
            *size = next(&state) % (i % 3 ? 64 : LONGEST);
            for (size_t k = 0; k < *size; k++)
                p[k] = (uint8_t)next(&state);
        }
        uint8_t *exact = malloc(*size ? *size : 1); /* so that a read behind its end is seen */
        if (!exact) return 1;
        memcpy(exact, p, *size);
        (void)LLVMFuzzerTestOneInput(exact, *size);
        free(exact);
    }
    printf("%lu inputs\n", inputs);
    return 0;
}
