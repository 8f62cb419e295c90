//! Text in UTF-16, for the syntaxes whose senders write it: XML, and CSV as some spreadsheets save it.

/// The text; `None` where the bytes are no UTF-16. `unit` says which of two bytes comes first.
pub(super) fn text(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Option<String> {
    let pairs = bytes.chunks_exact(2);
    if !pairs.remainder().is_empty() {
        return None;
    }
    let units = pairs.map(|pair| unit([pair.first().copied().unwrap_or(0), pair.get(1).copied().unwrap_or(0)]));
    char::decode_utf16(units).collect::<Result<_, _>>().ok()
}
