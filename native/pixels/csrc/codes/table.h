/* Tables for the codes of a JPEG, by the bits that come next. */
#ifndef BIOBENCH_JPEG_CODE_TABLE_H
#define BIOBENCH_JPEG_CODE_TABLE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <jpeglib.h>

/* Bits that a lookup sees. Longer tables hold more, and the cache less of them. */
#define LOOKAHEAD 10

/* Longest code, and most bits of a value: of a coefficient that damaged tables describe. */
#define LONGEST_CODE 16
#define LONGEST_VALUE 15

/* What one symbol says, from the lowest bits: length (8), symbol or run (8), value (16). Where the
 * code and the bits of its value lie within the lookahead, value is that value, length counts both,
 * and run is the number of zeros before it. Otherwise value is 0, and length that of the code, or 0
 * where the code itself is longer or none. */
typedef uint32_t entry;

/* The symbol of sixteen zeros. */
#define ZERO_RUN 0xf0

/* What the lookahead has of the coefficients of a block: up to two values, then perhaps its end.
 * From the lowest bits: length (8), steps to the first value, to the second and to what follows (8
 * each), first value (16), second value (16). A second value that is none is 0, one step after the
 * first, and an end alone has two of them. What follows an end is BLOCK_END steps on. Where there is
 * neither value nor end, length is 0, the second value BLOCK_END steps on, and the entry in place of
 * the values. */
typedef uint64_t pair;

#define BLOCK_END DCTSIZE2

struct code_table {
    entry lookup[1 << LOOKAHEAD];
    /* Of a table for coefficients after the first. */
    pair pairs[1 << LOOKAHEAD];
    /* For each length: one more than the largest code, and what leads from a code to its symbol. */
    uint32_t end[LONGEST_CODE + 1];
    int32_t offset[LONGEST_CODE + 1];
    uint8_t symbols[256];
};

/* ITU-T T.81, figure F.12: the value that size bits stand for. Those of negative values begin with
 * 0, which is as likely as not: no branch can foretell it. */
static inline int extend(int bits, int size) {
    const int negative = (bits >> (size - 1)) - 1;
    return bits + (negative & (1 - (1 << size)));
}

/* Of a source that libjpeg has checked. Pairs are for coefficients after the first. */
void code_table_fill(struct code_table *table, const JHUFF_TBL *source, int with_pairs);

#endif
