//! Operands as users write them: `Q=q.npy`, `Q=pack.npz:Q`, `Q=m.safetensors:q`, `Q=rand:8x64`, `n=8`,
//! `-` for standard input, or a bare `pack.npz` for everything in it.

pub mod bind;
pub mod compare;
pub mod convert;
pub mod fit;
pub mod generate;
pub mod make_up;
pub mod npy;
pub mod npz;
pub mod safetensors;
pub mod words;
pub mod write;

use generate::Generator;
use std::fs::File;
use std::io::{self, BufReader, ErrorKind};
use std::path::{Path, PathBuf};
use tcc_frontend::diagnostic::{Code, Diagnostic, nearest, printable};
use tcc_ir::Array;

/// A result whose error is one message to the user.
pub type Built<T> = Result<T, Box<Diagnostic>>;

/// Bounds on what is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Most bytes that one array may have.
    pub memory: u64,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { memory: 4 << 30 }
    }
}

/// One word of a command line.
#[derive(Clone, Debug, PartialEq)]
pub enum Word {
    /// `NAME=SOURCE`
    Named(String, Source),
    /// A bare `pack.npz`.
    Pack(PathBuf),
}

/// Where the elements of an operand come from.
#[derive(Clone, Debug, PartialEq)]
pub enum Source {
    /// A `.npy` file.
    Npy(PathBuf),
    /// A member of a `.npz` file.
    Npz(PathBuf, String),
    /// A tensor of a `.safetensors` file.
    Safetensors(PathBuf, String),
    /// `.npy` on standard input.
    Stdin,
    /// Made up; without a shape: in the declared one.
    Generate(Generator, u64, Option<Vec<usize>>),
    /// An integer.
    Integer(i64),
    /// A number with a point, an exponent, or one of `inf`, `nan`, or an integer beyond 64 bits; and as it
    /// was written.
    Number(f64, String),
}

impl Word {
    /// Reads a word.
    pub fn parse(text: &str) -> Built<Word> {
        match text.split_once('=') {
            Some((name, source)) if is_name(name) => {
                Ok(Word::Named(name.into(), Source::parse(source, text)?))
            }
            _ if text.ends_with(".npz") => Ok(Word::Pack(text.into())),
            _ => Err(no_word(text, "an operand is written NAME=SOURCE")),
        }
    }
}

impl Source {
    /// Reads what stands after `NAME=`; `word` is the whole word, for messages.
    fn parse(text: &str, word: &str) -> Built<Source> {
        if text == "-" {
            return Ok(Source::Stdin);
        }
        if let Ok(integer) = text.replace('_', "").parse() {
            return Ok(Source::Integer(integer));
        }
        if let Ok(number) = text.parse() {
            return Ok(Source::Number(number, text.into()));
        }
        match text {
            "true" => return Ok(Source::Integer(1)),
            "false" => return Ok(Source::Integer(0)),
            _ => {}
        }
        if let Some(generated) = parse_generator(text, word) {
            return generated;
        }
        if text.ends_with(".npy") {
            return Ok(Source::Npy(text.into()));
        }
        for (extension, of) in [
            (".npz", Source::Npz as fn(PathBuf, String) -> Source),
            (".safetensors", Source::Safetensors as fn(PathBuf, String) -> Source),
        ] {
            if text.ends_with(extension) {
                return Err(no_word(word, &format!("write `{word}:MEMBER` to pick an array of the file")));
            }
            if let Some(at) = text.rfind(&format!("{extension}:")) {
                let (path, member) = (&text[..at + extension.len()], &text[at + extension.len() + 1..]);
                return Ok(of(path.into(), member.into()));
            }
        }
        let names = Generator::TABLE.iter().map(|row| row.1);
        let near = text.split(['(', ':']).next().and_then(|head| nearest(head, names));
        Err(match near {
            Some(near) => no_word(word, &format!("did you mean `{near}:`?")),
            None => no_word(
                word,
                "a source is a .npy file, FILE.npz:MEMBER, FILE.safetensors:TENSOR, rand:4x4, a number, or - for standard input",
            ),
        })
    }
}

/// `rand`, `rand:8x64`, `rand(7):8x64`; `None` if no generator stands there.
fn parse_generator(text: &str, word: &str) -> Option<Built<Source>> {
    let (head, shape) = match text.split_once(':') {
        Some((head, shape)) => (head, Some(shape)),
        None => (text, None),
    };
    let (name, seed) = match head.split_once('(') {
        Some((name, seed)) => (name, Some(seed)),
        None => (head, None),
    };
    let generator = Generator::from_name(name)?;
    let seed = match seed.map(|seed| seed.strip_suffix(')').and_then(|seed| seed.trim().parse().ok())) {
        None => 0,
        Some(Some(seed)) => seed,
        Some(None) => return Some(Err(no_word(word, "a seed is written rand(7):8x64"))),
    };
    let shape = match shape.filter(|shape| !shape.is_empty()) {
        None => None,
        Some(shape) => {
            let parsed: Option<Vec<usize>> =
                shape.split('x').map(|extent| extent.trim().parse().ok()).collect();
            let Some(mut shape) = parsed else {
                return Some(Err(no_word(word, &no_shape(name, shape))));
            };
            if generator == Generator::Eye && shape.len() == 1 {
                shape.push(shape[0]);
            }
            Some(shape)
        }
    };
    Some(Ok(Source::Generate(generator, seed, shape)))
}

/// Why `shape` is none, and how one is written.
fn no_shape(generator: &str, shape: &str) -> String {
    let wrong = shape.split('x').map(str::trim).find(|extent| extent.parse::<usize>().is_err());
    let why = match wrong {
        Some("") => "a size is missing around an `x`".to_owned(),
        Some(negative) if negative.starts_with('-') => format!("`{negative}` is below 0"),
        Some(large) if large.chars().all(|c| c.is_ascii_digit()) => format!("`{large}` is too large"),
        other => format!("`{}` is no size", other.unwrap_or(shape)),
    };
    format!("{why}; a shape is written {generator}:8x64")
}

/// Whether `text` may be the name of an operand or size.
fn is_name(text: &str) -> bool {
    text.chars().all(|c| c.is_alphanumeric() || c == '_')
        && text.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// How standard input is used.
pub(crate) const STDIN_ONCE: &str =
    "standard input gives one thing, the program or one operand: name files for the others";

/// Reads the array of a file or of standard input; `None` for sources that hold no array.
pub fn read_file(source: &Source, stdin: &mut dyn io::Read, limits: &Limits) -> Built<Option<Array>> {
    Ok(Some(match source {
        Source::Npy(path) => {
            let file = open(path)?;
            let name = shown(path);
            let length = file.metadata().ok().filter(|data| data.is_file()).map(|data| data.len());
            npy::read(&mut BufReader::new(file), length, &name, limits)?
        }
        Source::Npz(path, member) => npz::Pack::open(path)?.read(member, limits)?,
        Source::Safetensors(path, tensor) => safetensors::read(path, tensor, limits)?,
        Source::Stdin => {
            let mut first = [0];
            if stdin.read(&mut first).unwrap_or(0) == 0 {
                let message = "standard input is empty, or was read already";
                return Err(Box::new(Diagnostic::new(Code::OperandWord, message).help(STDIN_ONCE)));
            }
            npy::read(&mut io::Read::chain(&first[..], stdin), None, "standard input", limits)?
        }
        Source::Generate(..) | Source::Integer(_) | Source::Number(..) => return Ok(None),
    }))
}

/// Opens a file for reading.
pub(crate) fn open(path: &Path) -> Built<File> {
    let refuse = |error: &io::Error| {
        let code = match error.kind() {
            ErrorKind::PermissionDenied => Code::FileForbidden,
            _ => Code::FileUnreadable,
        };
        let why = match error.kind() {
            ErrorKind::NotFound => "there is no such file".to_owned(),
            ErrorKind::PermissionDenied => "permission denied".to_owned(),
            _ => error.to_string(),
        };
        let help = match error.kind() {
            ErrorKind::NotFound => "check the name; it is taken from the folder in which tcc runs",
            ErrorKind::PermissionDenied => "allow reading it: chmod u+r",
            _ => "name a regular file",
        };
        Box::new(Diagnostic::new(code, format!("cannot read `{}`: {why}", shown(path))).help(help))
    };
    let file = File::open(path).map_err(|error| refuse(&error))?;
    if file.metadata().is_ok_and(|data| data.is_dir()) {
        return Err(refuse(&io::Error::other("it is a folder")));
    }
    Ok(file)
}

/// A file that is not what its name says.
pub(crate) fn damaged(file: &str, why: &str) -> Box<Diagnostic> {
    let message = format!("cannot read `{file}`: {why}");
    let help = "write it again, for example with numpy: np.save('a.npy', a), np.savez('pack.npz', A=a)";
    Box::new(Diagnostic::new(Code::FileMalformed, message).help(help))
}

/// A path as messages show it.
pub fn shown(path: &Path) -> String {
    printable(&path.display().to_string())
}

/// Names as messages list them; a long list is cut short.
pub fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    const SHOWN: usize = 8;
    let all: Vec<String> = names.map(printable).collect();
    let more = if all.len() > SHOWN { format!(", .. ({} in all)", all.len()) } else { String::new() };
    format!("{}{more}", all[..all.len().min(SHOWN)].join(", "))
}

pub(crate) fn out_of_memory(what: &str, needed: u64, limits: &Limits) -> Box<Diagnostic> {
    let message = format!("`{what}` needs {}, more than the limit of {}", size(needed), size(limits.memory));
    Box::new(Diagnostic::new(Code::MemoryLimit, message).help("raise the limit with --memory"))
}

fn no_word(word: &str, help: &str) -> Box<Diagnostic> {
    Box::new(Diagnostic::new(Code::OperandWord, format!("cannot read the operand `{word}`")).help(help))
}

/// A number of bytes for people: `1.5 MiB`.
pub fn size(bytes: u64) -> String {
    let mut value = bytes as f64;
    for unit in ["B", "KiB", "MiB", "GiB", "TiB", "PiB"] {
        if value < 1024.0 || unit == "PiB" {
            return if unit == "B" { format!("{bytes} B") } else { format!("{value:.1} {unit}") };
        }
        value /= 1024.0;
    }
    format!("{bytes} B")
}

/// A number of bytes: `1000`, `512MiB`, `4GiB`, `2GB`.
///
/// # Errors
/// What is wrong with the text.
pub fn parse_size(text: &str) -> Result<u64, String> {
    let digits = text.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(text.len());
    let number: f64 = text[..digits].parse().map_err(|_| "write a size such as 512MiB".to_owned())?;
    let unit = match text[digits..].trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1.0,
        "kib" | "k" => 1024.0,
        "mib" | "m" => 1024.0 * 1024.0,
        "gib" | "g" => 1024.0 * 1024.0 * 1024.0,
        "tib" | "t" => f64::from(1 << 20) * f64::from(1 << 20),
        "pib" | "p" => f64::from(1 << 20) * f64::from(1 << 30),
        "kb" => 1e3,
        "mb" => 1e6,
        "gb" => 1e9,
        _ => return Err("the unit is KiB, MiB or GiB".into()),
    };
    Ok((number * unit) as u64)
}

/// The smallest round number of bytes, as `--memory` takes it, that is at least `bytes`: `746GiB`.
pub fn round_size(bytes: u64) -> String {
    let units = ["", "KiB", "MiB", "GiB", "TiB", "PiB"];
    let (mut value, mut unit) = (bytes, 0);
    while value >= 1024 && unit + 1 < units.len() {
        value = value.div_ceil(1024);
        unit += 1;
    }
    format!("{value}{}", units[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(word: &str) -> Source {
        match Word::parse(word) {
            Ok(Word::Named(_, source)) => source,
            other => panic!("{word}: {other:?}"),
        }
    }

    #[test]
    fn every_form_of_operand_is_read() {
        assert_eq!(source("Q=q.npy"), Source::Npy("q.npy".into()));
        assert_eq!(source("Q=a/pack.npz:in_Q"), Source::Npz("a/pack.npz".into(), "in_Q".into()));
        let tensor = Source::Safetensors("m.safetensors".into(), "blk.0.q:w".into());
        assert_eq!(source("Q=m.safetensors:blk.0.q:w"), tensor);
        assert_eq!(source("Q=rand:8x64"), Source::Generate(Generator::Rand, 0, Some(vec![8, 64])));
        assert_eq!(source("Q=rand(7):8"), Source::Generate(Generator::Rand, 7, Some(vec![8])));
        assert_eq!(source("Q=eye:3"), Source::Generate(Generator::Eye, 0, Some(vec![3, 3])));
        assert_eq!(source("Q=rand"), Source::Generate(Generator::Rand, 0, None));
        assert_eq!(source("n=1_000"), Source::Integer(1000));
        assert_eq!(source("n=-3"), Source::Integer(-3));
        assert_eq!(source("x=-1e-3"), Source::Number(-1e-3, "-1e-3".into()));
        assert_eq!(source("Q=-"), Source::Stdin);
        assert_eq!(Word::parse("pack.npz"), Ok(Word::Pack("pack.npz".into())));
    }

    #[test]
    fn mistakes_get_a_fix() {
        let help = |word: &str| Word::parse(word).unwrap_err().help.unwrap_or_default();
        assert!(help("Q=randn:3").contains("`rand:`"), "{}", help("Q=randn:3"));
        assert!(help("Q=rand:4by3").contains("`4by3` is no size; a shape is written rand:8x64"));
        assert!(help("Q=rand:-1").contains("`-1` is below 0"));
        assert!(help("Q=rand:1x").contains("a size is missing"));
        assert!(help("Q=rand:99999999999999999999x2").contains("is too large"));
        assert!(help("Q=rand(x):4").contains("rand(7)"));
        assert!(help("Q=pack.npz").contains("Q=pack.npz:MEMBER"));
        assert!(help("q.npy").contains("NAME=SOURCE"));
        assert!(help("=3").contains("NAME=SOURCE"));
    }

    #[test]
    fn sizes_are_readable() {
        assert_eq!((size(12).as_str(), size(1536).as_str()), ("12 B", "1.5 KiB"));
        assert_eq!((round_size(12).as_str(), round_size(1025).as_str()), ("12", "2KiB"));
    }

    #[test]
    fn sizes_have_units() {
        assert_eq!(parse_size("4GiB"), Ok(4 << 30));
        assert_eq!(parse_size("1.5KiB"), Ok(1536));
        assert_eq!(parse_size("17"), Ok(17));
        assert_eq!(parse_size("2TiB"), Ok(2 << 40));
        assert!(parse_size("many").is_err() && parse_size("3 parsecs").is_err());
    }
}
