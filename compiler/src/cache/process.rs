//! The kernels that this process has loaded, the latest used ones.

use std::sync::{Mutex, PoisonError};
use tcc_backends::Kernel;

/// Most kernels that are kept.
const KERNELS: usize = 256;

/// Most bytes of code that are kept.
const BYTES: usize = 64 << 20;

static KEPT: Mutex<Kept> = Mutex::new(Kept { rows: Vec::new(), clock: 0 });

struct Kept {
    rows: Vec<Row>,
    /// Counts uses.
    clock: u64,
}

struct Row {
    hash: [u8; 32],
    kernel: Kernel,
    bytes: usize,
    used: u64,
}

/// A kernel with the code of this hash and working memory of its own.
pub fn find(hash: &[u8; 32]) -> Option<Kernel> {
    KEPT.lock().unwrap_or_else(PoisonError::into_inner).find(hash)
}

/// Keeps the code of a kernel; makes room for it.
pub fn keep(hash: [u8; 32], kernel: &Kernel, bytes: usize) {
    KEPT.lock().unwrap_or_else(PoisonError::into_inner).keep(hash, kernel, bytes, KERNELS, BYTES);
}

impl Kept {
    fn find(&mut self, hash: &[u8; 32]) -> Option<Kernel> {
        self.clock += 1;
        let row = self.rows.iter_mut().find(|row| row.hash == *hash)?;
        row.used = self.clock;
        Some(row.kernel.with_own_memory())
    }

    fn keep(&mut self, hash: [u8; 32], kernel: &Kernel, bytes: usize, kernels: usize, most: usize) {
        if bytes > most {
            return;
        }
        self.clock += 1;
        self.rows.retain(|row| row.hash != hash);
        // What is kept never runs, so that it pools no working memory.
        self.rows.push(Row { hash, kernel: kernel.with_own_memory(), bytes, used: self.clock });
        while self.rows.len() > kernels || self.rows.iter().map(|row| row.bytes).sum::<usize>() > most {
            let oldest = self.rows.iter().enumerate().min_by_key(|(_, row)| row.used);
            let Some((oldest, _)) = oldest else { break };
            self.rows.swap_remove(oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tcc_ir::loops::Func;

    #[test]
    fn the_least_recently_used_makes_room() {
        let kernel = (tcc_backends::BACKENDS[0].load)(&Func::default()).expect("a kernel");
        let mut kept = Kept { rows: Vec::new(), clock: 0 };
        let hash = |n: u8| [n; 32];
        for n in 0..3 {
            kept.keep(hash(n), &kernel, 10, 3, 100);
        }
        assert!(kept.find(&hash(0)).is_some());
        kept.keep(hash(3), &kernel, 10, 3, 100);
        assert!(kept.find(&hash(1)).is_none() && kept.find(&hash(0)).is_some());
        // Bytes count too, and what is larger than everything is not kept.
        kept.keep(hash(4), &kernel, 95, 3, 100);
        assert_eq!(kept.rows.len(), 1);
        kept.keep(hash(5), &kernel, 101, 3, 100);
        assert!(kept.find(&hash(5)).is_none() && kept.find(&hash(4)).is_some());
    }
}
