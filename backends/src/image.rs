//! Code that outlives the process that made it.
//!
//! An image is machine code with its constant tables behind it, free of addresses but for those of
//! named functions of the runtime, which are filled in when it is loaded. It says what it takes and
//! returns, so that a kernel can be made of it without the program.
//!
//! Reading an image from bytes checks that it is whole, not that it is harmless: code of an unknown
//! origin must not be loaded.

use crate::signature::Signature;
use tcc_ir::loops::{Buffer, Func, Role};
use thiserror::Error;

/// What images begin with; the number changes with their layout.
const MAGIC: &[u8] = b"tcc-image 1\n";

/// Code of one program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    pub(crate) signature: Signature,
    /// Where the function begins, in bytes.
    pub(crate) entry: u32,
    pub(crate) imports: Vec<Import>,
    pub(crate) code: Vec<u8>,
}

/// Eight bytes of code that hold the address of a function of the runtime.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Import {
    /// Where they are.
    pub at: u32,
    /// The function.
    pub name: String,
    /// What is added to its address.
    pub addend: i64,
}

/// Bytes that are no image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("no whole image of code")]
pub struct BrokenImage;

impl Image {
    /// Bytes of code and tables.
    pub fn size(&self) -> usize {
        self.code.len()
    }

    /// What the code takes and returns.
    pub fn signature(&self) -> &Signature {
        &self.signature
    }

    /// The bytes that [`Image::from_bytes`] reads back.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        write(&mut bytes, declarations(&self.signature).to_string().as_bytes());
        bytes.extend(self.entry.to_le_bytes());
        bytes.extend((self.imports.len() as u32).to_le_bytes());
        for import in &self.imports {
            bytes.extend(import.at.to_le_bytes());
            bytes.extend(import.addend.to_le_bytes());
            write(&mut bytes, import.name.as_bytes());
        }
        write(&mut bytes, &self.code);
        bytes
    }

    /// Reads an image.
    ///
    /// # Errors
    /// The bytes are not what [`Image::to_bytes`] writes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Image, BrokenImage> {
        read_image(bytes).ok_or(BrokenImage)
    }
}

fn write(bytes: &mut Vec<u8>, part: &[u8]) {
    bytes.extend((part.len() as u32).to_le_bytes());
    bytes.extend(part);
}

fn read_image(bytes: &[u8]) -> Option<Image> {
    let mut rest = bytes.strip_prefix(MAGIC)?;
    let func: Func = std::str::from_utf8(part(&mut rest)?).ok()?.parse().ok()?;
    let entry = u32::from_le_bytes(take(&mut rest)?);
    let count = u32::from_le_bytes(take(&mut rest)?);
    let mut imports = Vec::new();
    for _ in 0..count {
        let at = u32::from_le_bytes(take(&mut rest)?);
        let addend = i64::from_le_bytes(take(&mut rest)?);
        let name = std::str::from_utf8(part(&mut rest)?).ok()?.to_owned();
        imports.push(Import { at, name, addend });
    }
    let code = part(&mut rest)?.to_vec();
    let inside =
        |at: u32, length: usize| (at as usize).checked_add(length).is_some_and(|end| end <= code.len());
    let whole = rest.is_empty() && inside(entry, 1) && imports.iter().all(|import| inside(import.at, 8));
    whole.then(|| Image { signature: Signature::of(&func), entry, imports, code })
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (first, behind) = rest.split_first_chunk::<N>()?;
    *rest = behind;
    Some(*first)
}

fn part<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = u32::from_le_bytes(take(rest)?) as usize;
    let (first, behind) = rest.split_at_checked(length)?;
    *rest = behind;
    Some(first)
}

/// A function that has only the declarations of a signature: its text is the text of the signature.
fn declarations(signature: &Signature) -> Func {
    let Signature { name, symbols, requirements, inputs, outputs, arena, checks } = signature;
    let mut func = Func {
        name: name.clone(),
        symbols: symbols.clone(),
        requirements: requirements.clone(),
        checks: checks.clone(),
        arena: Some(arena.clone()),
        ..Func::default()
    };
    for (parameters, role) in [(inputs, Role::Input), (outputs, Role::Output)] {
        let buffers =
            parameters.iter().map(|p| Buffer::new(p.name.clone(), p.dtype, p.extents.clone(), role.clone()));
        func.buffers.extend(buffers);
    }
    func
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image() -> Image {
        let text = "func @f(n, param w = 2) { input X: f32[n, 4] output Y: c64[n] arena 8*n
            site 0 \"index\\n outside\" @3..9 require n <= 4096 \"n is {left}\"
            for i in 0..n { Y[i] = complex(X[i, 0], X[i, 1]) } }";
        let func: Func = text.parse().expect("a function");
        let imports = vec![Import { at: 2, name: "tcc_contract".into(), addend: -3 }];
        Image { signature: Signature::of(&func), entry: 1, imports, code: (0..32).collect() }
    }

    #[test]
    fn bytes_read_back() {
        let image = image();
        assert_eq!(Image::from_bytes(&image.to_bytes()), Ok(image));
    }

    #[test]
    fn what_is_not_whole_is_refused() {
        let bytes = image().to_bytes();
        for length in 0..bytes.len() {
            assert_eq!(Image::from_bytes(&bytes[..length]), Err(BrokenImage), "the first {length} bytes");
        }
        assert_eq!(Image::from_bytes(&[&bytes[..], &[0]].concat()), Err(BrokenImage));
        let outside = Image { entry: 32, ..image() };
        assert_eq!(Image::from_bytes(&outside.to_bytes()), Err(BrokenImage));
        let mut outside = image();
        outside.imports[0].at = 25;
        assert_eq!(Image::from_bytes(&outside.to_bytes()), Err(BrokenImage));
    }

    #[test]
    fn flipped_bits_never_panic() {
        let bytes = image().to_bytes();
        for at in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[at / 8] ^= 1 << (at % 8);
            // A bit of the code is not noticed here; its owner keeps a hash.
            let _ = Image::from_bytes(&flipped);
        }
    }
}
