//! The `.npy` format: a short Python dictionary, then the elements.
//!
//! Nothing is believed: a header is bounded, sizes are multiplied with overflow checks, and memory
//! is taken only for bytes that exist.

use super::{Built, Limits, damaged, out_of_memory};
use std::io::{Read, Write};
use tcc_frontend::diagnostic::{Code, Diagnostic};
use tcc_ir::{Array, Dtype, planted};

/// What a header says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// The elements in the file.
    pub element: Element,
    /// Extents, outermost first.
    pub shape: Vec<usize>,
    /// Whether the first index varies fastest.
    pub fortran_order: bool,
    /// Whether the most significant byte stands first.
    pub big_endian: bool,
}

/// An element type of files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Element {
    /// One that the language has.
    Dtype(Dtype),
    /// Signed 8-bit integers; read as i32.
    I8,
    /// Signed 16-bit integers; read as i32.
    I16,
    /// Unsigned 16-bit integers; read as i32.
    U16,
    /// Unsigned 64-bit integers; read as i64 where every one fits.
    U64,
}

/// Longest header that is read, in bytes; numpy itself refuses more than 10,000 characters.
const HEADER_LIMIT: u32 = 1 << 20;

impl Element {
    /// Size of one element in the file in bytes.
    pub fn size_bytes(self) -> usize {
        match self {
            Element::Dtype(dtype) => dtype.size_bytes(),
            Element::I8 => 1,
            Element::I16 | Element::U16 => 2,
            Element::U64 => 8,
        }
    }

    /// The dtype that holds every value.
    pub fn dtype(self) -> Dtype {
        match self {
            Element::Dtype(dtype) => dtype,
            Element::I8 | Element::I16 | Element::U16 => Dtype::I32,
            Element::U64 => Dtype::I64,
        }
    }

    /// The element type that numpy writes as `code` (without the byte order).
    fn from_code(code: &str) -> Option<Element> {
        Some(match code {
            "b1" => Element::Dtype(Dtype::Bool),
            "u1" => Element::Dtype(Dtype::U8),
            "i1" => Element::I8,
            "i2" => Element::I16,
            "u2" => Element::U16,
            "i4" => Element::Dtype(Dtype::I32),
            "u4" => Element::Dtype(Dtype::U32),
            "i8" => Element::Dtype(Dtype::I64),
            "u8" => Element::U64,
            "f2" => Element::Dtype(Dtype::F16),
            "f4" => Element::Dtype(Dtype::F32),
            "f8" => Element::Dtype(Dtype::F64),
            "c8" => Element::Dtype(Dtype::C64),
            "c16" => Element::Dtype(Dtype::C128),
            // numpy has no bf16: other libraries store it as two opaque bytes.
            "V2" | "bfloat16" => Element::Dtype(Dtype::BF16),
            _ => return None,
        })
    }
}

impl Header {
    /// Bytes of the elements; `None` if they cannot be counted.
    pub fn payload(&self) -> Option<u64> {
        let bytes = self.element.size_bytes() as u64;
        self.shape.iter().try_fold(bytes, |n, &extent| n.checked_mul(extent as u64))
    }
}

/// Reads the header; `file` is how messages call the file.
pub fn read_header(reader: &mut dyn Read, file: &str) -> Built<Header> {
    let short = |_| damaged(file, "it ends inside the header");
    let mut start = [0; 8];
    reader.read_exact(&mut start).map_err(short)?;
    if &start[..6] != b"\x93NUMPY" {
        return Err(damaged(file, "it does not begin as a .npy file does"));
    }
    let length = match start[6] {
        1 => {
            let mut length = [0; 2];
            reader.read_exact(&mut length).map_err(short)?;
            u32::from(u16::from_le_bytes(length))
        }
        2 | 3 => {
            let mut length = [0; 4];
            reader.read_exact(&mut length).map_err(short)?;
            u32::from_le_bytes(length)
        }
        other => return Err(damaged(file, &format!("its version {other} is not known"))),
    };
    if length > HEADER_LIMIT {
        return Err(damaged(file, &format!("its header claims {length} bytes")));
    }
    let mut text = Vec::new();
    reader.take(u64::from(length)).read_to_end(&mut text).map_err(short)?;
    if text.len() != length as usize {
        return Err(damaged(file, "it ends inside the header"));
    }
    parse_header(&String::from_utf8_lossy(&text), file)
}

/// Reads `{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4)}`.
fn parse_header(text: &str, file: &str) -> Built<Header> {
    let mut words = Words { rest: text.trim() };
    let broken = || damaged(file, "its header is not the dictionary that numpy writes");
    let (mut element, mut fortran_order, mut shape) = (None, None, None);
    words.sign('{').ok_or_else(broken)?;
    while words.sign('}').is_none() {
        let key = words.text().ok_or_else(broken)?;
        words.sign(':').ok_or_else(broken)?;
        match key {
            "descr" => element = Some(descr(&mut words, file)?),
            "fortran_order" => fortran_order = Some(words.truth().ok_or_else(broken)?),
            "shape" => shape = Some(words.shape().ok_or_else(broken)?),
            _ => return Err(broken()),
        }
        if words.sign(',').is_none() && !words.rest.starts_with('}') {
            return Err(broken());
        }
    }
    match (element, fortran_order, shape) {
        (Some((element, big_endian)), Some(fortran_order), Some(shape)) => {
            Ok(Header { element, shape, fortran_order, big_endian })
        }
        _ => Err(broken()),
    }
}

/// Reads the element type; the second result is whether the most significant byte stands first.
fn descr(words: &mut Words, file: &str) -> Built<(Element, bool)> {
    let unsupported = |what: &str| {
        Box::new(
            Diagnostic::new(Code::FileElementType, format!("`{file}` holds {what}, which tcc does not read"))
                .help("store numbers: array.astype('float32') (object, text, date and record arrays are not numbers)"),
        )
    };
    let Some(text) = words.text() else {
        return Err(unsupported("records"));
    };
    let (order, code) = match text.chars().next() {
        Some(order @ ('<' | '>' | '=' | '|')) => (order, &text[1..]),
        _ => ('=', text),
    };
    match Element::from_code(code) {
        Some(element) => Ok((element, order == '>' || (order == '=' && cfg!(target_endian = "big")))),
        None => Err(unsupported(&format!("elements of type `{text}`"))),
    }
}

/// What is left of a header.
struct Words<'a> {
    rest: &'a str,
}

impl<'a> Words<'a> {
    fn take(&mut self, bytes: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(bytes);
        self.rest = rest.trim_start();
        taken
    }

    fn sign(&mut self, sign: char) -> Option<()> {
        self.rest.starts_with(sign).then(|| {
            self.take(sign.len_utf8());
        })
    }

    fn text(&mut self) -> Option<&'a str> {
        let quote = self.rest.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
        let end = self.rest[1..].find(quote)? + 1;
        let text = self.take(end + 1);
        Some(&text[1..end])
    }

    fn truth(&mut self) -> Option<bool> {
        for (word, value) in [("True", true), ("False", false)] {
            if self.rest.starts_with(word) {
                self.take(word.len());
                return Some(value);
            }
        }
        None
    }

    /// `()`, `(3,)`, `(3, 4)`; Python 2 wrote `3L`.
    fn shape(&mut self) -> Option<Vec<usize>> {
        let mut shape = Vec::new();
        self.sign('(')?;
        while self.sign(')').is_none() {
            let digits = self.rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(self.rest.len());
            shape.push(self.take(digits).parse().ok()?);
            self.sign('L');
            if self.sign(',').is_none() && !self.rest.starts_with(')') {
                return None;
            }
        }
        Some(shape)
    }
}

/// Reads a whole `.npy`. `available` is how many bytes exist from the start of the header, if that
/// is known; what the header claims must be exactly what is there.
pub fn read(reader: &mut dyn Read, available: Option<u64>, file: &str, limits: &Limits) -> Built<Array> {
    let mut counted = Counted { reader, bytes: 0 };
    let header = read_header(&mut counted, file)?;
    let payload = header.payload().ok_or_else(|| {
        damaged(file, &format!("its header claims the shape {:?}, which no memory holds", header.shape))
    })?;
    if let Some(available) = available {
        let present = available.saturating_sub(counted.bytes);
        if present != payload {
            let claim = format!("its header claims {payload} bytes of elements, but {present} are there");
            return Err(damaged(file, &claim));
        }
    }
    if payload > limits.memory {
        return Err(out_of_memory(file, payload, limits));
    }
    let mut bytes = Vec::new();
    // One byte more than claimed shows whether the file goes on.
    let got = counted.take(payload + 1).read_to_end(&mut bytes);
    got.map_err(|error| damaged(file, &error.to_string()))?;
    if bytes.len() as u64 != payload {
        let found = if bytes.len() as u64 > payload { "more" } else { &bytes.len().to_string() };
        let claim = format!("its header claims {payload} bytes of elements, but {found} are there");
        return Err(damaged(file, &claim));
    }
    to_array(&header, bytes).ok_or_else(|| {
        damaged(file, "an element does not fit in any integer type of the language, or memory is short")
    })
}

/// A reader that knows how far it is.
struct Counted<'a> {
    reader: &'a mut dyn Read,
    bytes: u64,
}

impl Read for Counted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.reader.read(buffer)?;
        self.bytes += read as u64;
        Ok(read)
    }
}

/// The elements in native byte order and row-major order. `None` if one does not fit in the dtype.
pub fn to_array(header: &Header, mut bytes: Vec<u8>) -> Option<Array> {
    let size = header.element.size_bytes();
    if header.big_endian != cfg!(target_endian = "big") {
        // The parts of a complex number are swapped one by one.
        let part = match header.element {
            Element::Dtype(dtype) => dtype.part().size_bytes(),
            _ => size,
        };
        bytes.chunks_exact_mut(part).for_each(<[u8]>::reverse);
    }
    // Planted bug 3.
    let square = planted(3) && header.shape.windows(2).all(|pair| pair[0] == pair[1]);
    if header.fortran_order && header.shape.len() > 1 && !square {
        bytes = row_major(&header.shape, size, &bytes);
    }
    let dtype = header.element.dtype();
    if dtype == Dtype::Bool {
        bytes.iter_mut().for_each(|byte| *byte = u8::from(*byte != 0));
    }
    let widened: Vec<u8> = match header.element {
        Element::Dtype(_) => bytes,
        Element::I8 => bytes.iter().flat_map(|&b| i32::from(b as i8).to_ne_bytes()).collect(),
        Element::I16 => {
            pairs(&bytes).flat_map(|pair| i32::from(i16::from_ne_bytes(pair)).to_ne_bytes()).collect()
        }
        Element::U16 => {
            pairs(&bytes).flat_map(|pair| i32::from(u16::from_ne_bytes(pair)).to_ne_bytes()).collect()
        }
        Element::U64 => {
            let fits = bytes.chunks_exact(8).all(|word| {
                word.try_into().is_ok_and(|word| i64::try_from(u64::from_ne_bytes(word)).is_ok())
            });
            fits.then_some(bytes)?
        }
    };
    Array::from_bytes(dtype, &header.shape, &widened)
}

fn pairs(bytes: &[u8]) -> impl Iterator<Item = [u8; 2]> {
    bytes.chunks_exact(2).map(|pair| [pair[0], pair[1]])
}

/// Column-major elements of `size` bytes, reordered to row-major.
fn row_major(shape: &[usize], size: usize, bytes: &[u8]) -> Vec<u8> {
    let mut strides = vec![1; shape.len()];
    for axis in 1..shape.len() {
        strides[axis] = strides[axis - 1] * shape[axis - 1];
    }
    let mut index = vec![0; shape.len()];
    let mut out = Vec::with_capacity(bytes.len());
    while out.len() < bytes.len() {
        let place: usize = index.iter().zip(&strides).map(|(i, stride)| i * stride).sum();
        out.extend_from_slice(&bytes[place * size..(place + 1) * size]);
        for axis in (0..shape.len()).rev() {
            index[axis] += 1;
            if index[axis] < shape[axis] {
                break;
            }
            index[axis] = 0;
        }
    }
    out
}

/// Writes an array as numpy would.
pub fn write(writer: &mut dyn Write, array: &Array) -> std::io::Result<()> {
    let code = match array.dtype() {
        Dtype::Bool => "|b1",
        Dtype::U8 => "|u1",
        Dtype::U32 => "<u4",
        Dtype::I32 => "<i4",
        Dtype::I64 => "<i8",
        Dtype::F16 => "<f2",
        Dtype::BF16 => "<V2",
        Dtype::F32 => "<f4",
        Dtype::F64 => "<f8",
        Dtype::C64 => "<c8",
        Dtype::C128 => "<c16",
    };
    let mut shape: String = array.shape().iter().map(|extent| format!("{extent}, ")).collect();
    if array.shape().len() > 1 {
        shape.truncate(shape.len() - 2);
    } else {
        shape.truncate(shape.trim_end().len());
    }
    let mut header = format!("{{'descr': '{code}', 'fortran_order': False, 'shape': ({shape}), }}");
    // The elements begin at a multiple of 64 bytes.
    let preamble = if header.len() + 64 < usize::from(u16::MAX) { 10 } else { 12 };
    let padding = 63 - (preamble + header.len()) % 64;
    header.push_str(&" ".repeat(padding));
    header.push('\n');
    writer.write_all(b"\x93NUMPY")?;
    if preamble == 10 {
        writer.write_all(&[1, 0])?;
        writer.write_all(&(header.len() as u16).to_le_bytes())?;
    } else {
        writer.write_all(&[2, 0])?;
        writer.write_all(&(header.len() as u32).to_le_bytes())?;
    }
    writer.write_all(header.as_bytes())?;
    if cfg!(target_endian = "little") {
        return writer.write_all(array.bytes());
    }
    let mut bytes = array.bytes().to_vec();
    bytes.chunks_exact_mut(array.dtype().part().size_bytes()).for_each(<[u8]>::reverse);
    writer.write_all(&bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(header: &str, payload: &[u8]) -> Vec<u8> {
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((header.len() as u16).to_le_bytes());
        bytes.extend(header.as_bytes());
        bytes.extend(payload);
        bytes
    }

    fn load(bytes: &[u8]) -> Built<Array> {
        read(&mut &bytes[..], Some(bytes.len() as u64), "x.npy", &Limits::default())
    }

    #[test]
    fn what_is_written_is_read_back() {
        for &(dtype, _, size) in Dtype::TABLE {
            for shape in [&[][..], &[3], &[2, 3], &[0, 2]] {
                let count: usize = shape.iter().product();
                let payload: Vec<u8> = (0..count * size)
                    .map(|at| if dtype == Dtype::Bool { (at % 2) as u8 } else { at as u8 })
                    .collect();
                let array = Array::from_bytes(dtype, shape, &payload).unwrap();
                let mut bytes = Vec::new();
                write(&mut bytes, &array).unwrap();
                assert_eq!((bytes.len() - payload.len()) % 64, 0);
                assert_eq!(load(&bytes).unwrap(), array);
            }
        }
    }

    #[test]
    fn byte_order_and_index_order_are_honoured() {
        let numbers = [1i32, 2, 3, 4, 5, 6];
        let payload: Vec<u8> = numbers.iter().flat_map(|n| n.to_be_bytes()).collect();
        let array =
            load(&file("{'descr': '>i4', 'fortran_order': True, 'shape': (2, 3), }", &payload)).unwrap();
        let expected: Vec<u8> = [1i32, 3, 5, 2, 4, 6].iter().flat_map(|n| n.to_ne_bytes()).collect();
        assert_eq!((array.shape(), array.bytes()), (&[2, 3][..], &expected[..]));
    }

    #[test]
    fn small_integers_are_widened() {
        let array = load(&file("{'descr':'|i1','fortran_order':False,'shape':(2,)}", &[255, 3])).unwrap();
        assert_eq!(array.dtype(), Dtype::I32);
        assert_eq!(array.bytes(), [-1i32, 3].map(i32::to_ne_bytes).as_flattened());
        let big = u64::MAX.to_le_bytes();
        assert!(load(&file("{'descr':'<u8','fortran_order':False,'shape':(1,)}", &big)).is_err());
    }

    #[test]
    fn headers_that_lie_are_refused_without_allocating() {
        let say = |header: &str, payload: &[u8]| load(&file(header, payload)).unwrap_err().message;
        let huge = "{'descr': '<f8', 'fortran_order': False, 'shape': (4294967296, 4294967296), }";
        assert!(say(huge, &[]).contains("no memory holds"), "{}", say(huge, &[]));
        let lie = "{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000, 1000), }";
        assert!(say(lie, &[0; 16]).contains("16 are there"));
        let short = "{'descr': '<f8', 'fortran_order': False, 'shape': (2,), }";
        assert!(say(short, &[0; 24]).contains("claims 16 bytes of elements, but 24"));
        assert!(say("{'descr': '|O', 'fortran_order': False, 'shape': (2,), }", &[0; 16]).contains("`|O`"));
        assert!(say("{'descr': '<U3', 'fortran_order': False, 'shape': (2,), }", &[0; 24]).contains("`<U3`"));
        assert!(
            say("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,), }", &[0; 8])
                .contains("records")
        );
        for broken in ["", "{", "{'descr': '<f4'}", "{'shape': (1", "{'shape': (-1,), 'descr'", "{1: 2}"] {
            assert!(load(&file(broken, &[])).is_err(), "{broken}");
        }
        for cut in 0..file(short, &[0; 16]).len() {
            assert!(load(&file(short, &[0; 16])[..cut]).is_err());
        }
    }
}
