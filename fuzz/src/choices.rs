//! Choices drawn from bytes.
//!
//! Generator and mutators draw everything from one [`Choices`]: bytes that a fuzzing engine mutates, or
//! random ones of a campaign. When the bytes run out every choice is the first one, so tables put what is
//! smallest first, and every byte string means something.

use arbitrary::Unstructured;

/// A row of a table from which one is drawn: how likely it is beside the others, and what it is.
pub type Weighted<T> = (u32, T);

/// Choices drawn from bytes.
pub struct Choices<'a>(Unstructured<'a>);

impl<'a> Choices<'a> {
    /// Choices that `bytes` decide.
    pub fn new(bytes: &'a [u8]) -> Choices<'a> {
        Choices(Unstructured::new(bytes))
    }

    /// A number below `bound`; 0 if there is none.
    pub fn below(&mut self, bound: usize) -> usize {
        let last = bound.saturating_sub(1);
        if last == 0 {
            return 0;
        }
        // One byte where one is enough: an even spread matters less than short inputs.
        match u8::try_from(last) {
            Ok(last) => usize::from(self.0.int_in_range(0..=last).unwrap_or(0)),
            Err(_) => self.0.int_in_range(0..=last).unwrap_or(0),
        }
    }

    /// A number between two others, which are possible too.
    pub fn between(&mut self, least: i64, most: i64) -> i64 {
        let span = usize::try_from(most.saturating_sub(least)).unwrap_or(0);
        least + self.below(span.saturating_add(1)) as i64
    }

    /// True in `percent` of 100 cases, never when the bytes have run out.
    pub fn chance(&mut self, percent: usize) -> bool {
        99 - self.below(100) < percent
    }

    /// One of a list; `None` if it is empty.
    pub fn pick<T: Clone>(&mut self, list: &[T]) -> Option<T> {
        list.get(self.below(list.len())).cloned()
    }

    /// A row of a table that is not empty, by weight.
    pub fn weighted<T: Copy>(&mut self, table: &[Weighted<T>]) -> Option<T> {
        let sum: u32 = table.iter().map(|row| row.0).sum();
        let mut left = self.below(sum as usize) as u32;
        for &(weight, row) in table {
            if left < weight {
                return Some(row);
            }
            left -= weight;
        }
        table.first().map(|row| row.1)
    }

    /// Any 64 bits.
    pub fn word(&mut self) -> u64 {
        self.0.arbitrary().unwrap_or(0)
    }

    /// Whether all bytes have been used.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// A generator of random numbers (splitmix64): the same on every machine.
#[derive(Clone, Debug)]
pub struct Random(pub u64);

impl Random {
    /// The next 64 bits.
    pub fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }

    /// A number below `bound`; 0 if there is none.
    pub fn below(&mut self, bound: u64) -> u64 {
        if bound == 0 { 0 } else { self.word() % bound }
    }

    /// A number from 0 to 1 (exclusive).
    pub fn unit(&mut self) -> f64 {
        (self.word() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Fills a buffer.
    pub fn fill(&mut self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            let word = self.word().to_le_bytes();
            chunk.copy_from_slice(&word[..chunk.len()]);
        }
    }
}

/// A hash of a text (Fowler, Noll and Vo): the same on every machine and in every version.
pub fn hash(text: &str) -> u64 {
    text.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choices_without_bytes_are_the_first() {
        let mut choices = Choices::new(&[]);
        assert_eq!(choices.below(10), 0);
        assert!(!choices.chance(50));
        assert_eq!(choices.weighted(&[(1, 'a'), (100, 'b')]), Some('a'));
    }

    #[test]
    fn weights_are_kept() {
        let mut bytes = vec![0; 20_000];
        Random(1).fill(&mut bytes);
        let mut choices = Choices::new(&bytes);
        let rare = (0..10_000).filter(|_| choices.weighted(&[(9, false), (1, true)]) == Some(true)).count();
        assert!((800..1200).contains(&rare), "{rare} of 10000 at a weight of one tenth");
    }
}
