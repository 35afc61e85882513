//! Bugs planted on purpose, by which fuzzers are judged.
//!
//! Compiled with `--cfg tcc_fuzz_bugs`, every entry of `tests/planted_bugs/bugs.json` is one small wrong
//! turn behind [`planted`], and the environment variable `TCC_BUG` selects at most one of them. Without the
//! cfg [`planted`] is the constant `false`: nothing of this is in the code that users run.

#[cfg(not(tcc_fuzz_bugs))]
mod switch {
    /// Whether the bug with this number is selected: never, in this build.
    #[inline(always)]
    pub const fn planted(bug: u32) -> bool {
        let _ = bug;
        false
    }
}

#[cfg(tcc_fuzz_bugs)]
mod switch {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU32, Ordering};

    /// The largest number of a bug.
    const LAST: u32 = 40;

    /// The selected bug; 0: none.
    fn selected() -> &'static AtomicU32 {
        static SELECTED: OnceLock<AtomicU32> = OnceLock::new();
        SELECTED.get_or_init(|| AtomicU32::new(from_environment()))
    }

    /// The value of `TCC_BUG`. A campaign with a slip in it must not run as one without a bug.
    fn from_environment() -> u32 {
        let Some(text) = std::env::var_os("TCC_BUG") else { return 0 };
        match text.to_str().map(|text| (text, text.parse())) {
            Some(("", _)) => 0,
            Some((_, Ok(bug))) if bug <= LAST => bug,
            _ => panic!("TCC_BUG is the number of one bug, 1 to {LAST}, or 0 for none; not {text:?}"),
        }
    }

    /// Whether the bug with this number is selected.
    pub fn planted(bug: u32) -> bool {
        selected().load(Ordering::Relaxed) == bug
    }

    /// The number of the selected bug; 0: none.
    pub fn selected_bug() -> u32 {
        selected().load(Ordering::Relaxed)
    }

    /// Selects another bug (0: none) for all threads from now on. Code that is already compiled, and
    /// tables that are already built, keep the bug that they were made with.
    pub fn select_bug(bug: u32) {
        assert!(bug <= LAST, "there is no bug {bug}");
        selected().store(bug, Ordering::Relaxed);
    }
}

pub use switch::*;
