//! Key and certificate files: secrets only its owner may read, bounded in size, replaced whole or not at all.

use super::Error;
use std::io::{Read as _, Write as _};
use std::path::Path;
use zeroize::Zeroizing;

/// Largest key, certificate or revocation list, in bytes: a national list of some 100,000 revoked certificates.
const FILE_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// Rights of a secret: owner reads and writes, nobody else anything.
const SECRET_MODE: u32 = 0o600;
/// Rights of a public file.
const PUBLIC_MODE: u32 = 0o644;

fn failed<'a>(path: &'a Path, action: &'static str) -> impl Fn(std::io::Error) -> Error + 'a {
    move |error| Error::File { file: path.display().to_string(), action, kind: error.kind() }
}

/// A public file's bytes, at most 4 MiB.
///
/// # Errors
/// [`Error::File`] when it cannot be read, [`Error::Content`] when it is larger.
pub fn read_bounded(path: &Path) -> Result<Vec<u8>, Error> {
    let file = std::fs::File::open(path).map_err(failed(path, "read"))?;
    let mut bytes = Vec::new();
    file.take(FILE_BYTES_MAX.saturating_add(1)).read_to_end(&mut bytes).map_err(failed(path, "read"))?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > FILE_BYTES_MAX {
        return Err(Error::Content { file: path.display().to_string(), expected: "at most 4 MiB" });
    }
    Ok(bytes)
}

/// A secret's bytes, wiped when dropped. The rights are those of the opened file, so a file that is swapped in between
/// is not read.
///
/// # Errors
/// [`Error::Open`] when group or others have any right to it; else as [`read_bounded`].
pub fn read_secret(path: &Path) -> Result<Zeroizing<Vec<u8>>, Error> {
    let mut file = std::fs::File::open(path).map_err(failed(path, "read"))?;
    let meta = file.metadata().map_err(failed(path, "read"))?;
    #[cfg(unix)]
    {
        let mode = std::os::unix::fs::PermissionsExt::mode(&meta.permissions()) & 0o777;
        if mode & 0o077 != 0 {
            return Err(Error::Open { file: path.display().to_string(), mode });
        }
    }
    if meta.len() > FILE_BYTES_MAX {
        return Err(Error::Content { file: path.display().to_string(), expected: "at most 4 MiB" });
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(usize::try_from(meta.len()).unwrap_or(0).saturating_add(1)));
    file.read_to_end(&mut bytes).map_err(failed(path, "read"))?;
    Ok(bytes)
}

/// Writes a new secret with mode 600; an existing file is never overwritten.
///
/// # Errors
/// [`Error::File`] when it exists or cannot be written.
pub fn write_secret(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, SECRET_MODE);
    let mut file = options.open(path).map_err(failed(path, "written"))?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(failed(path, "written"))
}

/// Replaces a public file whole: a reader sees the old or the new one, never a half.
///
/// # Errors
/// [`Error::File`] when it cannot be written.
pub fn write_public(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(".new");
    let beside = path.with_file_name(name);
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, PUBLIC_MODE);
    let mut file = options.open(&beside).map_err(failed(path, "written"))?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(failed(path, "written"))?;
    std::fs::rename(&beside, path).map_err(failed(path, "written"))
}
