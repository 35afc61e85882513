//! Vector loops at the full width of the machine.
//!
//! Cranelift's vectors have 128 bits. So nests of loops around vector loops are compiled here, to AVX-512
//! or AVX2, as functions of their own that the code by Cranelift calls: [`group`] chooses the statements,
//! [`nest`] turns them into [`code`] over virtual registers, [`place`] and [`slots`] what they read and
//! write, [`value`] and [`compare`] their expressions, [`allocate`] gives registers, and
//! [`assemble`] and [`encode`] make bytes. The lanes are those of the loops and every lane does the same
//! IEEE operations as before, so the results are the same bytes.
//!
//! A function `fn(arguments)` takes a block of 8 bytes each: pointers, extents, values.

mod allocate;
mod assemble;
mod code;
mod compare;
mod encode;
mod group;
mod instructions;
mod nest;
mod place;
mod slots;
mod value;

pub(super) use group::{Argument, Group, Start, find};

/// The vectors of a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Vectors {
    /// Those of Cranelift: 128 bits.
    Narrow,
    /// AVX2 and FMA: 256 bits.
    Avx2,
    /// AVX-512 (F, VL, DQ and BW): 512 bits.
    Avx512,
}

impl Vectors {
    /// The widest that this machine has and code is made for here.
    #[cfg(all(target_arch = "x86_64", unix))]
    pub fn detect() -> Vectors {
        let avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
        let avx512 = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512bw");
        match (avx2, avx512) {
            (true, true) => Vectors::Avx512,
            (true, false) => Vectors::Avx2,
            (false, _) => Vectors::Narrow,
        }
    }

    /// The widest that this machine has and code is made for here.
    #[cfg(not(all(target_arch = "x86_64", unix)))]
    pub fn detect() -> Vectors {
        Vectors::Narrow
    }

    /// Bytes of a register.
    pub(super) fn bytes(self) -> u32 {
        match self {
            Vectors::Narrow => 16,
            Vectors::Avx2 => 32,
            Vectors::Avx512 => 64,
        }
    }
}
