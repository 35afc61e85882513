//! The `.npz` format: a zip archive of `.npy` members.

use super::{Built, Limits, damaged, list, npy, open, out_of_memory, shown};
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use tcc_frontend::diagnostic::{Code, Diagnostic, nearest, printable};
use tcc_ir::Array;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive};

/// An open archive. Members are decompressed one by one, when they are asked for.
pub struct Pack {
    path: PathBuf,
    archive: ZipArchive<BufReader<File>>,
    members: Vec<String>,
}

impl Pack {
    /// Reads the directory of the archive.
    pub fn open(path: &Path) -> Built<Pack> {
        let name = shown(path);
        let archive = ZipArchive::new(BufReader::new(open(path)?))
            .map_err(|error| damaged(&name, &format!("it is no complete .npz archive ({error})")))?;
        let files = directory(open(path)?, archive.central_directory_start()).unwrap_or_default();
        let mut seen = BTreeSet::new();
        if let Some(file) = files.iter().find(|file| !seen.insert(*file)) {
            let file = String::from_utf8_lossy(file);
            let why =
                format!("it has two members `{}`", printable(file.strip_suffix(".npy").unwrap_or(&file)));
            return Err(damaged(&name, &why));
        }
        let members = archive
            .file_names()
            .filter_map(|file| Some(file.ok()?.strip_suffix(".npy")?.to_owned()))
            .collect();
        Ok(Pack { path: path.to_owned(), archive, members })
    }

    /// The names of the members, without `.npy`.
    pub fn members(&self) -> &[String] {
        &self.members
    }

    /// Whether there is a member of this name.
    pub fn has(&self, member: &str) -> bool {
        self.members.iter().any(|known| known == member)
    }

    /// How messages call a member.
    pub fn place(&self, member: &str) -> String {
        format!("{}:{}", shown(&self.path), printable(member))
    }

    /// None of the members belongs to one of `names`, with or without `prefix`.
    pub fn none_of(&self, names: &[&str], prefix: &str) -> Box<Diagnostic> {
        let message = format!("`{}` has no member for any output ({})", shown(&self.path), names.join(", "));
        let help = format!(
            "name the members as the outputs, or {prefix}NAME; it has: {}",
            self.nearest_first(names)
        );
        Box::new(Diagnostic::new(Code::NoSuchMember, message).help(help))
    }

    /// The members as messages list them, first those whose names are near to one of `names`.
    pub fn nearest_first(&self, names: &[&str]) -> String {
        if self.members.is_empty() {
            return "nothing".into();
        }
        let bare = |member: &str| {
            let rest = member.strip_prefix("in_").or_else(|| member.strip_prefix("out_"));
            rest.unwrap_or(member).to_owned()
        };
        let far = |member: &&str| !names.iter().any(|name| nearest(name, [bare(member).as_str()]).is_some());
        let mut members: Vec<&str> = self.members.iter().map(String::as_str).collect();
        members.sort_by_key(far);
        list(members.into_iter())
    }

    /// Reads one member.
    pub fn read(&mut self, member: &str, limits: &Limits) -> Built<Array> {
        let place = self.place(member);
        if !self.has(member) {
            let known = self.members.iter().map(String::as_str);
            let help = match nearest(member, known.clone()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("it has: {}", self.nearest_first(&[member])),
            };
            let message = format!("`{}` has no member `{}`", shown(&self.path), printable(member));
            return Err(Box::new(Diagnostic::new(Code::NoSuchMember, message).help(help)));
        }
        let broken = |error: zip::result::ZipError| damaged(&place, &error.to_string());
        let at = self.archive.index_for_name(&format!("{member}.npy"));
        let at = at.ok_or_else(|| damaged(&place, "it is not in the directory of the archive"))?;
        let method = self.archive.by_index_raw(at).map_err(broken)?.compression();
        if !matches!(method, CompressionMethod::Stored | CompressionMethod::Deflated) {
            let message = format!("cannot read `{place}`: its compression ({method}) is not supported");
            let help = "save it with np.savez or np.savez_compressed";
            return Err(Box::new(Diagnostic::new(Code::FileMalformed, message).help(help)));
        }
        let mut entry = self.archive.by_index(at).map_err(broken)?;
        let size = entry.size();
        // A header and a payload within the limit; what comes out of the archive is bounded by it too.
        if size > limits.memory.saturating_add(1 << 20) {
            return Err(out_of_memory(&place, size, limits));
        }
        npy::read(&mut entry, Some(size), &place, limits)
    }
}

/// The names in the central directory, which begins at `start`; the archive itself keeps only the last of
/// several with one name. `None` where the directory is not as expected.
fn directory(file: File, start: u64) -> Option<Vec<Vec<u8>>> {
    let mut file = BufReader::new(file);
    file.seek(SeekFrom::Start(start)).ok()?;
    let mut names = Vec::new();
    let mut header = [0; 46];
    while file.read_exact(&mut header).is_ok() && header.starts_with(b"PK\x01\x02") {
        let field = |at: usize| u16::from_le_bytes([header[at], header[at + 1]]);
        let mut name = vec![0; usize::from(field(28))];
        file.read_exact(&mut name).ok()?;
        file.seek_relative(i64::from(field(30)) + i64::from(field(32))).ok()?;
        names.push(name);
    }
    Some(names)
}

/// Writes arrays as the members of an archive, stored without compression. The same arrays give the
/// same bytes at any time.
pub fn write<W: Write + Seek>(writer: W, arrays: &[(&str, &Array)]) -> std::io::Result<()> {
    let mut archive = zip::ZipWriter::new(writer);
    for (name, array) in arrays {
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Stored)
            .last_modified_time(zip::DateTime::default())
            .large_file(array.bytes().len() > 1 << 31);
        archive.start_file(format!("{name}.npy"), options)?;
        npy::write(&mut archive, array)?;
    }
    archive.finish()?;
    Ok(())
}
