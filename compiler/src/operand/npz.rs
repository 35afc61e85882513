//! The `.npz` format: a zip archive of `.npy` members.

use super::{Built, Limits, damaged, npy, open, out_of_memory};
use std::fs::File;
use std::io::{BufReader, Seek, Write};
use std::path::{Path, PathBuf};
use tcc_frontend::diagnostic::{Code, Diagnostic, nearest};
use tcc_ir::Array;
use zip::ZipArchive;
use zip::write::SimpleFileOptions;

/// An open archive. Members are decompressed one by one, when they are asked for.
pub struct Pack {
    path: PathBuf,
    archive: ZipArchive<BufReader<File>>,
    members: Vec<String>,
}

impl Pack {
    /// Reads the directory of the archive.
    pub fn open(path: &Path) -> Built<Pack> {
        let name = path.display().to_string();
        let archive = ZipArchive::new(BufReader::new(open(path)?))
            .map_err(|error| damaged(&name, &format!("it is no complete .npz archive ({error})")))?;
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
        format!("{}:{member}", self.path.display())
    }

    /// Reads one member.
    pub fn read(&mut self, member: &str, limits: &Limits) -> Built<Array> {
        let place = self.place(member);
        if !self.has(member) {
            let known = self.members.iter().map(String::as_str);
            let help = match nearest(member, known.clone()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("it has: {}", known.collect::<Vec<_>>().join(", ")),
            };
            let message = format!("`{}` has no member `{member}`", self.path.display());
            return Err(Box::new(Diagnostic::new(Code::NoSuchMember, message).help(help)));
        }
        let entry = self.archive.by_name(&format!("{member}.npy"));
        let mut entry = entry.map_err(|error| damaged(&place, &error.to_string()))?;
        let size = entry.size();
        // A header and a payload within the limit; what comes out of the archive is bounded by it too.
        if size > limits.memory.saturating_add(1 << 20) {
            return Err(out_of_memory(&place, size, limits));
        }
        npy::read(&mut entry, Some(size), &place, limits)
    }
}

/// Writes arrays as the members of an archive, stored without compression. The same arrays give the
/// same bytes at any time.
pub fn write<W: Write + Seek>(writer: W, arrays: &[(&str, &Array)]) -> std::io::Result<()> {
    let mut archive = zip::ZipWriter::new(writer);
    for (name, array) in arrays {
        let options = SimpleFileOptions::default()
            .compression_method(zip::CompressionMethod::Stored)
            .last_modified_time(zip::DateTime::default())
            .large_file(array.bytes().len() > 1 << 31);
        archive.start_file(format!("{name}.npy"), options)?;
        npy::write(&mut archive, array)?;
    }
    archive.finish()?;
    Ok(())
}
