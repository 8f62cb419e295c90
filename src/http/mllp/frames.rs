//! MLLP frames out of a stream of bytes: `0x0B` message `0x1C 0x0D`.
//!
//! Owns the bytes not yet whole. Bytes between frames are ignored, a missing `0x0D` is forgiven; a frame that is too
//! large or begins inside another is the end of the connection. Source: HL7 v2.5.1 appendix C; format dossier §2.

/// Start of a frame.
const START: u8 = 0x0B;
/// End of a frame.
const END: u8 = 0x1C;
/// What follows the end.
const RETURN: u8 = 0x0D;
/// Bytes between frames before the peer is taken for something that speaks no MLLP.
const NOISE_BYTES_MAX: usize = 4 * 1024;

/// Why a connection cannot go on.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Broken {
    /// A frame larger than the gateway takes.
    #[error("a frame is too large")]
    TooLarge,
    /// A frame begins inside another.
    #[error("a frame begins inside another")]
    Nested,
    /// Too many bytes that belong to no frame.
    #[error("too many bytes stand between frames")]
    Noise,
}

/// Takes frames out of a stream.
#[derive(Debug)]
pub struct Frames {
    held: Vec<u8>,
    open: bool,
    noise: usize,
    bytes_max: usize,
}

impl Frames {
    /// For frames of at most this many bytes.
    #[must_use]
    pub fn new(bytes_max: usize) -> Self {
        Self { held: Vec::new(), open: false, noise: 0, bytes_max }
    }
    /// Whether a frame has begun and is not whole.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        self.open
    }
    /// Takes bytes in; the messages that became whole, in order.
    ///
    /// # Errors
    /// The stream is no MLLP, or holds a frame too large: the end of the connection.
    pub fn push(&mut self, bytes: &[u8]) -> Result<Vec<Vec<u8>>, Broken> {
        let mut whole = Vec::new();
        for byte in bytes {
            match (self.open, *byte) {
                (false, START) => (self.open, self.noise) = (true, 0),
                (false, RETURN | b'\n') => {}
                (false, _) => {
                    self.noise += 1;
                    if self.noise > NOISE_BYTES_MAX {
                        return Err(Broken::Noise);
                    }
                }
                (true, END) => {
                    self.open = false;
                    whole.push(std::mem::take(&mut self.held));
                }
                (true, START) => return Err(Broken::Nested),
                (true, other) => {
                    if self.held.len() >= self.bytes_max {
                        return Err(Broken::TooLarge);
                    }
                    self.held.push(other);
                }
            }
        }
        Ok(whole)
    }
}

/// A message in its frame.
pub(super) fn framed(message: &str) -> Vec<u8> {
    // A message of ours holds no control characters but CR, so the frame cannot be left early.
    let mut out = vec![START];
    out.extend(message.bytes().filter(|b| !matches!(*b, START | END)));
    out.extend([END, RETURN]);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn noise_between_frames_and_a_missing_return_are_forgiven() {
        let mut frames = Frames::new(100);
        assert_eq!(frames.push(b"xx\x0bone\x1c\r\n\x0btwo\x1c\x0bthr").unwrap(), [b"one".to_vec(), b"two".to_vec()]);
        assert!(frames.is_open());
        assert_eq!(frames.push(b"ee\x1c\r").unwrap(), [b"three".to_vec()]);
    }

    #[test]
    fn a_frame_that_cannot_be_whole_ends_the_connection() {
        assert_eq!(Frames::new(3).push(b"\x0bfour\x1c"), Err(Broken::TooLarge));
        assert_eq!(Frames::new(9).push(b"\x0bone\x0btwo"), Err(Broken::Nested));
        assert_eq!(Frames::new(9).push(&[b'x'; 5_000]), Err(Broken::Noise));
    }

    proptest! {
        #[test]
        fn however_the_stream_is_cut_the_messages_are_the_same(
            messages in prop::collection::vec("[A-Z|^~&\r]{0,20}", 0..6), cut in 1usize..7,
        ) {
            let stream: Vec<u8> = messages.iter().flat_map(|m| framed(m)).collect();
            let mut frames = Frames::new(1_000);
            let mut found = Vec::new();
            for piece in stream.chunks(cut) {
                found.extend(frames.push(piece).unwrap());
            }
            prop_assert_eq!(found, messages.into_iter().map(String::into_bytes).collect::<Vec<_>>());
        }
    }
}
