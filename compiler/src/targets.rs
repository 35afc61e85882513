//! What the targets of `cargo fuzz` do that need more than the fuzzer: a function of bytes each, which panics on a
//! finding.

use crate::cache::folder::{entry_bytes, read_entry, sealed};
use crate::operand::npz::Pack;
use crate::operand::{Limits, npy, safetensors};
use std::path::PathBuf;
use std::sync::OnceLock;
use tcc_ir::Array;

/// Most bytes that an array of a file may have here.
const MEMORY: u64 = 64 << 20;

/// Any bytes are an array, an archive or tensors, or are refused. What was read is written and read again.
pub fn npy(data: &[u8]) {
    let limits = Limits { memory: MEMORY };
    let read = |bytes: &[u8]| npy::read(&mut { bytes }, Some(bytes.len() as u64), "x.npy", &limits);
    if let Ok(array) = read(data) {
        let mut written = Vec::new();
        npy::write(&mut written, &array).expect("memory is written");
        same(&array, &read(&written).expect("what was written is read"));
    }
    // The other two are files; what begins as neither is not worth one.
    let zip = data.starts_with(b"PK");
    if !zip && data.get(8) != Some(&b'{') {
        return;
    }
    let Some(path) = scratch(if zip { "x.npz" } else { "x.safetensors" }) else { return };
    if std::fs::write(&path, data).is_err() {
        return;
    }
    if !zip {
        for tensor in ["a", "b"] {
            let _ = safetensors::read(&path, tensor, &limits).map(|array| same(&array, &array));
        }
    } else if let Ok(mut pack) = Pack::open(&path) {
        for member in pack.members().to_vec().iter().take(8) {
            let _ = pack.read(member, &limits).map(|array| same(&array, &array));
        }
    }
}

/// Whether two arrays are the same, and as long as they say.
fn same(a: &Array, b: &Array) {
    assert_eq!((a.dtype(), a.shape()), (b.dtype(), b.shape()));
    assert_eq!(a.bytes(), b.bytes());
    assert_eq!(a.bytes().len(), a.shape().iter().product::<usize>() * a.dtype().size_bytes());
}

/// A file of this process.
fn scratch(name: &str) -> Option<PathBuf> {
    static FOLDER: OnceLock<Option<tempfile::TempDir>> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| {
        // Memory, where the system has files in memory.
        tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).ok()
    });
    folder.as_ref().map(|folder| folder.path().join(name))
}

/// Any bytes are an entry of the cache that says the same when it is written again, or are refused: as they are,
/// under a hash that is right, and as changes of an entry that is whole. No code of them runs.
pub fn cache(data: &[u8]) {
    let whole = whole();
    let mut changed = whole.to_vec();
    // Where, from the end where it is beyond, and what stands there then.
    for change in data.chunks_exact(3) {
        let at = usize::from(u16::from_le_bytes([change[0], change[1]])) % changed.len();
        changed[at] = change[2];
    }
    for entry in [data, &sealed(data), &sealed(&changed)] {
        if let Some((text, image)) = read_entry(entry) {
            assert!(entry_bytes(&text, &image) == entry, "an entry is not what it says");
        }
    }
}

/// What is in an entry of a small program.
fn whole() -> &'static [u8] {
    static WHOLE: OnceLock<Vec<u8>> = OnceLock::new();
    WHOLE.get_or_init(|| {
        let text = "func @f(n) { input x: f32[n] output y: f32[n] for i in 0..n { y[i] = x[i] + 1.0f32 } }";
        let func = text.parse().expect("a function");
        let images = tcc_backends::backend("cranelift").and_then(|row| row.images).expect("it keeps code");
        let image = (images.compile)(&func).expect("it compiles");
        let entry = entry_bytes("a key", &image);
        let content = entry.len() - sealed(&[]).len();
        entry[entry.len() - content..].to_vec()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use tcc_fuzz::Random;

    #[test]
    fn files_are_read_or_refused() {
        let mut file = Vec::new();
        let array = Array::zeros(tcc_ir::Dtype::F32, &[2, 3]).expect("memory");
        npy::write(&mut file, &array).expect("memory is written");
        let mut archive = std::io::Cursor::new(Vec::new());
        crate::operand::npz::write(&mut archive, &[("a", &array)]).expect("memory is written");
        let header = r#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#;
        let tensors = [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &[0; 4]].concat();
        for whole in [file, archive.into_inner(), tensors] {
            super::npy(&whole);
            let mut random = Random(3);
            for _ in 0..300 {
                let mut bytes = whole.clone();
                for _ in 0..1 + random.below(4) {
                    let at = random.below(bytes.len() as u64) as usize;
                    bytes[at] = random.word() as u8;
                }
                bytes.truncate(1 + random.below(bytes.len() as u64) as usize);
                super::npy(&bytes);
            }
        }
    }

    #[test]
    fn entries_are_read_or_refused() {
        assert!(read_entry(&sealed(whole())).is_some());
        let mut random = Random(4);
        let mut bytes = vec![0; 24];
        for length in 0..2000 {
            random.fill(&mut bytes);
            cache(&bytes[..length % 25]);
        }
    }
}
