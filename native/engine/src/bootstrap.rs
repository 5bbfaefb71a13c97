//! Resamples of the stratified bootstrap, counted as they are drawn (SPEC.md, section "Intervals").

/// Increment of SplitMix64.
const GAMMA: u64 = 0x9E37_79B9_7F4A_7C15;

/// Items in the order of their strata, and the code that each one counts for.
#[derive(Debug, Clone, Copy)]
pub struct Items<'a> {
    /// First position of the stratum of each position.
    pub start: &'a [u64],
    /// Number of items of the stratum of each position.
    pub size: &'a [u64],
    /// Code of the item at each position.
    pub codes: &'a [u32],
}

impl Items<'_> {
    /// True where every draw is a position of the items, and every code below `bins`.
    #[must_use]
    pub fn fit(&self, bins: usize) -> bool {
        let count = self.codes.len() as u64;
        self.start.len() == self.codes.len()
            && self.size.len() == self.codes.len()
            && self.start.iter().zip(self.size).all(|(&start, &size)| {
                size > 0 && start.checked_add(size).is_some_and(|end| end <= count)
            })
            && self.codes.iter().all(|&code| (code as usize) < bins)
    }
}

/// Adds to `tallies`, `bins` numbers a replicate, how many items of each code the replicates from
/// number `first` on draw: replicate r draws for position p the position start + floor(word(r n + p) size / 2^64).
///
/// Items that do not [`Items::fit`] count where they are drawn within bounds.
pub fn tally(key: u64, first: u64, items: &Items<'_>, bins: usize, tallies: &mut [i64]) {
    let count = items.codes.len() as u64;
    let mut state = key.wrapping_add(first.wrapping_mul(count).wrapping_mul(GAMMA));
    for row in tallies.chunks_mut(bins.max(1)) {
        for (&start, &size) in items.start.iter().zip(items.size) {
            state = state.wrapping_add(GAMMA);
            let drawn = start + ((u128::from(mix(state)) * u128::from(size)) >> 64) as u64;
            let code = items.codes.get(drawn as usize);
            if let Some(tally) = code.and_then(|&code| row.get_mut(code as usize)) {
                *tally += 1;
            }
        }
    }
}

/// The finaliser of SplitMix64.
fn mix(word: u64) -> u64 {
    let word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    word ^ (word >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Protects: every draw counts once and within its stratum, and replicates do not depend on
    /// where a call begins.
    #[test]
    fn a_stratum_keeps_its_size() {
        let items = Items {
            start: &[0, 0, 0, 3, 4, 4],
            size: &[3, 3, 3, 1, 2, 2],
            codes: &[0, 0, 0, 1, 2, 3],
        };
        assert!(items.fit(4));
        let mut whole = vec![0; 4 * 100];
        tally(7, 0, &items, 4, &mut whole);
        for row in whole.chunks(4) {
            assert_eq!((row[0], row[1], row[2] + row[3]), (3, 1, 2));
        }
        let mut later = vec![0; 4 * 60];
        tally(7, 40, &items, 4, &mut later);
        assert_eq!(whole[4 * 40..], later);
    }

    /// Protects: what cannot be drawn is told before it is.
    #[test]
    fn what_does_not_fit() {
        let of = |start, size, code| {
            Items {
                start: &[start],
                size: &[size],
                codes: &[code],
            }
            .fit(1)
        };
        assert!(of(0, 1, 0));
        for (start, size, code) in [(0, 0, 0), (1, 1, 0), (0, 2, 0), (u64::MAX, 1, 0), (0, 1, 1)] {
            assert!(!of(start, size, code));
        }
    }
}
