//! The kernel library: its threads, and the file that emitted objects are linked with.

pub use tcc_runtime::pool::{set_threads, threads};

/// The name of the file.
pub const ARCHIVE_NAME: &str = "libtcc_runtime.a";

/// `libtcc_runtime.a`: the kernel library without the standard library, for the target of this build. It is
/// self-contained but for `memcpy` and the like of the C library.
pub static ARCHIVE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/libtcc_runtime.a"));

/// The functions of the library that objects call.
const SYMBOLS: &[&str] = &["tcc_contract", "tcc_permute"];

/// Whether an object file calls the library. Objects define `tcc_NAME_kernel`, so that the name of a function
/// of the library stands in one only where it is called.
pub fn is_called_by(object: &[u8]) -> bool {
    SYMBOLS.iter().any(|symbol| {
        let name: Vec<u8> = [0].into_iter().chain(symbol.bytes()).chain([0]).collect();
        object.windows(name.len()).any(|bytes| bytes == name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_names_count() {
        assert!(is_called_by(b"\x7fELF\0tcc_contract\0") && is_called_by(b"\0tcc_permute\0"));
        assert!(!is_called_by(b"\x7fELF\0tcc_contract_kernel\0") && !is_called_by(b"\0tcc_contrac\0t\0"));
    }
}
