//! Windows-1252: what older desktop programs write when they do not write UTF-8.

/// Where it differs from ISO-8859-1: bytes 0x80 to 0x9F; 0 where the byte means nothing.
const HIGH: [u16; 32] = [
    0x20AC, 0, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160, 0x2039, 0x0152, 0, 0x017D, 0, 0,
    0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0, 0x017E, 0x0178,
];

/// The character of a byte as a UTF-16 unit; 0 for a byte that means nothing.
pub(super) fn letter(byte: u8) -> u16 {
    HIGH.get(usize::from(byte).wrapping_sub(0x80)).copied().unwrap_or_else(|| u16::from(byte))
}
