//! Which instructions this processor has.

/// An instruction set that kernels exist for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum InstructionSet {
    /// Plain Rust.
    Portable,
    /// AVX2 and FMA.
    Avx2,
    /// AVX-512 F, BW, DQ and VL.
    Avx512,
}

impl InstructionSet {
    /// Every instruction set.
    pub const ALL: [InstructionSet; 3] =
        [InstructionSet::Portable, InstructionSet::Avx2, InstructionSet::Avx512];

    /// Whether this processor runs it.
    pub fn is_available(self) -> bool {
        self <= detect()
    }
}

/// The widest instruction set of this processor and its operating system.
#[cfg(target_arch = "x86_64")]
#[inline]
pub fn detect() -> InstructionSet {
    use core::sync::atomic::{AtomicU8, Ordering};
    // The answer never changes; asking the processor takes a hundred cycles and, in a virtual
    // machine, thousands.
    static KNOWN: AtomicU8 = AtomicU8::new(0);
    match KNOWN.load(Ordering::Relaxed) {
        1 => InstructionSet::Portable,
        2 => InstructionSet::Avx2,
        3 => InstructionSet::Avx512,
        _ => {
            let set = ask();
            KNOWN.store(set as u8 + 1, Ordering::Relaxed);
            set
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[cold]
fn ask() -> InstructionSet {
    use core::arch::x86_64::{__cpuid, __cpuid_count, _xgetbv};
    if __cpuid(0).eax < 7 {
        return InstructionSet::Portable;
    }
    let one = __cpuid(1).ecx;
    let seven = __cpuid_count(7, 0).ebx;
    let has = |word: u32, bits: &[u32]| bits.iter().all(|bit| word >> bit & 1 == 1);
    // FMA, SSE4.2, POPCNT, XSAVE as the operating system uses it, AVX.
    if !has(one, &[12, 20, 23, 27, 28]) {
        return InstructionSet::Portable;
    }
    #[target_feature(enable = "xsave")]
    fn saved() -> u64 {
        // SAFETY: the caller has seen OSXSAVE.
        unsafe { _xgetbv(0) }
    }
    // SAFETY: bit 27 says that the instruction may be used.
    let saved = unsafe { saved() };
    let extended = if __cpuid(0x8000_0000).eax >= 0x8000_0001 { __cpuid(0x8000_0001).ecx } else { 0 };
    // AVX2, BMI1, BMI2, LZCNT; the halves of the 256-bit registers are saved.
    if saved & 0x6 != 0x6 || !has(seven, &[3, 5, 8]) || !has(extended, &[5]) {
        return InstructionSet::Portable;
    }
    // F, DQ, BW, VL; the masks and the upper halves of the 512-bit registers are saved.
    if saved & 0xe6 == 0xe6 && has(seven, &[16, 17, 30, 31]) {
        InstructionSet::Avx512
    } else {
        InstructionSet::Avx2
    }
}

/// The widest instruction set of this processor.
#[cfg(not(target_arch = "x86_64"))]
#[inline]
pub fn detect() -> InstructionSet {
    InstructionSet::Portable
}
