#include "table.h"

#include <string.h>

/* The canonical codes of ITU-T T.81, C.2. */
static void fill_entries(struct code_table *table, const JHUFF_TBL *source) {
    memset(table->lookup, 0, sizeof table->lookup);
    memcpy(table->symbols, source->huffval, sizeof table->symbols);
    uint32_t code = 0;
    int index = 0;
    for (int length = 1; length <= LONGEST_CODE; length++) {
        const int spare = LOOKAHEAD - length;
        table->offset[length] = index - (int32_t)code;
        for (int i = 0; i < source->bits[length]; i++, code++, index++) {
            if (spare < 0) {
                continue;
            }
            const int symbol = source->huffval[index];
            const int run = symbol >> 4, size = symbol & 15;
            for (int rest = 0; rest < 1 << spare; rest++) {
                entry found = (entry)(symbol << 8 | length);
                if (size > 0 && size <= spare) {
                    const int value = extend(rest >> (spare - size), size);
                    found = (entry)value << 16 | (entry)(run << 8 | (length + size));
                }
                table->lookup[(code << spare) + (uint32_t)rest] = found;
            }
        }
        table->end[length] = code;
        code <<= 1;
    }
}

static int ends_block(entry found) {
    const entry symbol = found >> 8;
    return found != 0 && found >> 16 == 0 && (symbol & 15) == 0 && symbol != ZERO_RUN;
}

static void fill_pairs(struct code_table *table) {
    const uint32_t last = (1 << LOOKAHEAD) - 1;
    for (uint32_t bits = 0; bits <= last; bits++) {
        uint32_t length = 0, next = 0, steps[2] = {0, BLOCK_END}, values[2] = {0, 0};
        for (int count = 0;;) {
            /* Zeros stand for the bits beyond the lookahead: what needs them does not count. */
            const entry found = table->lookup[bits << length & last];
            const uint32_t end = length + (found & 0xff);
            if (end <= LOOKAHEAD && ends_block(found)) {
                length = end;
                next = BLOCK_END;
                break;
            }
            if (end > LOOKAHEAD || found >> 16 == 0 || count == 2) {
                break;
            }
            length = end;
            steps[count] = next + (found >> 8 & 0xff);
            values[count] = found >> 16;
            next = steps[count] + 1;
            count++;
            if (count == 1) {
                steps[1] = next;
            }
        }
        if (next == BLOCK_END && steps[1] == BLOCK_END) {
            steps[1] = 1;
        }
        if (length == 0) {
            values[0] = table->lookup[bits] & 0xffff;
        }
        table->pairs[bits] = (pair)values[1] << 48 | (pair)values[0] << 32 |
                             (next << 24 | steps[1] << 16 | steps[0] << 8 | length);
    }
}

void code_table_fill(struct code_table *table, const JHUFF_TBL *source, int with_pairs) {
    fill_entries(table, source);
    if (with_pairs) {
        fill_pairs(table);
    }
}
