//! The ways in which one item can fail, each with a stable name.

use std::io;

/// Why one file gave no pixels. The text says what is wrong; the caller adds the file's name.
#[derive(Debug, thiserror::Error)]
pub enum PixelError {
    /// There is no such file.
    #[error("the file does not exist")]
    NotFound,
    /// The system refused to read the file.
    #[error("no permission to read the file")]
    Permission,
    /// Reading failed in another way.
    #[error("reading failed: {0}")]
    Io(io::Error),
    /// The file has no bytes.
    #[error("the file is empty")]
    Empty,
    /// The content is an image format that is known by name, but not decoded.
    #[error("{0} is not read: convert the file to JPEG or PNG")]
    UnsupportedFormat(&'static str),
    /// The content is no image format that is known.
    #[error(
        "the content is not an image that is known: JPEG, PNG, WebP, GIF, BMP or TIFF is expected"
    )]
    UnknownFormat,
    /// What a [`crate::ExternalDecoder`] says of a file, under a kind of its own.
    #[error("{message}")]
    External {
        /// A stable identifier.
        kind: &'static str,
        /// What is wrong.
        message: String,
    },
    /// A format that is decoded, with a feature that is not.
    #[error("{0}")]
    UnsupportedFeature(String),
    /// The data end before the image is complete.
    #[error("the image data end early: the file is truncated")]
    Truncated,
    /// The data contradict the format.
    #[error("the image data are damaged: {0}")]
    Corrupt(String),
    /// The image or the file is larger than a limit: perhaps a decompression bomb.
    #[error("{what} {found} exceeds the limit of {limit}: the file may be a decompression bomb")]
    TooLarge {
        /// What was measured, with its unit.
        what: &'static str,
        /// The measure.
        found: u64,
        /// The limit that it exceeds.
        limit: u64,
    },
    /// The caller asked to stop.
    #[error("stopped on request")]
    Cancelled,
    /// There is no memory for the image.
    #[error("no memory for the image")]
    Memory,
    /// A fault of this library, not of the file.
    #[error("internal fault: {0}")]
    Internal(String),
}

impl PixelError {
    /// A stable identifier: no one needs to match the text.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::NotFound => "not-found",
            Self::Permission => "permission",
            Self::Io(_) => "io",
            Self::Empty => "empty",
            Self::UnsupportedFormat(_) => "unsupported-format",
            Self::UnknownFormat => "unknown-format",
            Self::External { kind, .. } => kind,
            Self::UnsupportedFeature(_) => "unsupported-feature",
            Self::Truncated => "truncated",
            Self::Corrupt(_) => "corrupt",
            Self::TooLarge { .. } => "too-large",
            Self::Cancelled => "cancelled",
            Self::Memory => "memory",
            Self::Internal(_) => "internal",
        }
    }
}

impl From<io::Error> for PixelError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound => Self::NotFound,
            io::ErrorKind::PermissionDenied => Self::Permission,
            _ => Self::Io(error),
        }
    }
}
