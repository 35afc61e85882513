//! The `.safetensors` format: the length of a JSON header, the header, the elements.
//!
//! Only the header and the tensor that is asked for are read.

use super::{Built, Limits, damaged, list, npy, open, out_of_memory, shown};
use npy::{Element, Header};
use serde_json::Value;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use tcc_frontend::diagnostic::{Code, Diagnostic, nearest};
use tcc_ir::{Array, Dtype};

/// Longest header that the format allows, in bytes.
const HEADER_LIMIT: u64 = 100_000_000;

/// The element types of the format.
const ELEMENTS: &[(&str, Element)] = &[
    ("BOOL", Element::Dtype(Dtype::Bool)),
    ("U8", Element::Dtype(Dtype::U8)),
    ("I8", Element::I8),
    ("I16", Element::I16),
    ("U16", Element::U16),
    ("I32", Element::Dtype(Dtype::I32)),
    ("U32", Element::Dtype(Dtype::U32)),
    ("I64", Element::Dtype(Dtype::I64)),
    ("U64", Element::U64),
    ("F16", Element::Dtype(Dtype::F16)),
    ("BF16", Element::Dtype(Dtype::BF16)),
    ("F32", Element::Dtype(Dtype::F32)),
    ("F64", Element::Dtype(Dtype::F64)),
    ("C64", Element::Dtype(Dtype::C64)),
];

/// Reads one tensor.
pub fn read(path: &Path, tensor: &str, limits: &Limits) -> Built<Array> {
    let name = shown(path);
    let mut file = open(path)?;
    let io = |error: std::io::Error| damaged(&name, &error.to_string());
    let length = file.metadata().map_err(io)?.len();
    let mut word = [0; 8];
    file.read_exact(&mut word).map_err(|_| damaged(&name, "it is too short"))?;
    let header_length = u64::from_le_bytes(word);
    if header_length > HEADER_LIMIT || header_length > length.saturating_sub(8) {
        return Err(damaged(&name, &format!("its header claims {header_length} bytes")));
    }
    let mut text = vec![0; header_length as usize];
    file.read_exact(&mut text).map_err(io)?;
    let header: serde_json::Map<String, Value> = serde_json::from_slice(&text)
        .map_err(|error| damaged(&name, &format!("its header is no JSON: {error}")))?;
    let Some(entry) = header.get(tensor).filter(|_| tensor != "__metadata__") else {
        let known = header.keys().map(String::as_str).filter(|key| *key != "__metadata__");
        let help = match nearest(tensor, known.clone()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("it has: {}", list(known)),
        };
        let message = format!("`{name}` has no tensor `{tensor}`");
        return Err(Box::new(Diagnostic::new(Code::NoSuchMember, message).help(help)));
    };
    let place = format!("{name}:{tensor}");
    let (header, start) = describe(entry, &place)?;
    let payload = header.payload();
    let present = length - 8 - header_length;
    let end = payload.and_then(|payload| start.0.checked_add(payload));
    let (Some(payload), Some(end)) = (payload, end) else {
        return Err(damaged(&place, "its shape does not fit in memory"));
    };
    if end != start.1 || end > present {
        return Err(damaged(&place, "its shape does not agree with its place in the file"));
    }
    if payload > limits.memory {
        return Err(out_of_memory(&place, payload, limits));
    }
    file.seek(SeekFrom::Start(8 + header_length + start.0)).map_err(io)?;
    let mut bytes = Vec::new();
    file.take(payload).read_to_end(&mut bytes).map_err(io)?;
    npy::to_array(&header, bytes)
        .ok_or_else(|| damaged(&place, "an element does not fit in any integer type of the language"))
}

/// What the header says of one tensor: its elements, and its place after the header.
fn describe(entry: &Value, place: &str) -> Built<(Header, (u64, u64))> {
    let broken = || damaged(place, "its entry in the header is broken");
    let name = entry["dtype"].as_str().ok_or_else(broken)?;
    let element = ELEMENTS.iter().find(|row| row.0 == name).map(|row| row.1).ok_or_else(|| {
        let message = format!("`{place}` holds elements of type `{name}`, which tcc does not read");
        Box::new(
            Diagnostic::new(Code::FileElementType, message).help("store it as F32 or another of tcc's types"),
        )
    })?;
    let numbers = |key: &str| -> Built<Vec<u64>> {
        entry[key].as_array().and_then(|list| list.iter().map(Value::as_u64).collect()).ok_or_else(broken)
    };
    let shape =
        numbers("shape")?.into_iter().map(usize::try_from).collect::<Result<_, _>>().map_err(|_| broken())?;
    let [start, end] = numbers("data_offsets")?[..] else { return Err(broken()) };
    let header = Header { element, shape, fortran_order: false, big_endian: false };
    Ok((header, (start, end)))
}
