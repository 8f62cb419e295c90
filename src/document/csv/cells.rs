//! Where the cells of a line begin. The `csv` library gives the place of a line only; a finding wants the cell.

/// A line ended inside a quoted cell that began here.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct NeverClosed(pub(super) usize);

#[derive(Clone, Copy, PartialEq, Eq)]
enum At {
    Start,
    Plain,
    Quoted,
    /// After a quote inside a quoted cell: the end of it, or the first of two.
    Quote,
}

/// Byte offsets of the cells of one line (`line` begins at `base`), by the rules the `csv` library reads by.
///
/// # Errors
/// [`NeverClosed`] when the last cell is quoted and its quote never comes.
pub(super) fn starts(line: &[u8], base: usize, delimiter: u8, out: &mut Vec<usize>) -> Result<(), NeverClosed> {
    out.clear();
    out.push(base);
    let mut at = At::Start;
    for (i, byte) in line.iter().enumerate() {
        at = match (at, *byte) {
            (At::Quoted, b'"') => At::Quote,
            (At::Quoted, _) => At::Quoted,
            (At::Quote, b'"') => At::Quoted,
            (_, b'\r' | b'\n') => return Ok(()),
            (_, b) if b == delimiter => {
                out.push(base + i + 1);
                At::Start
            }
            (At::Start, b'"') => At::Quoted,
            _ => At::Plain,
        };
    }
    if at == At::Quoted { Err(NeverClosed(out.last().copied().unwrap_or(base))) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(line: &str) -> Result<Vec<usize>, NeverClosed> {
        let mut out = Vec::new();
        starts(line.as_bytes(), 10, b',', &mut out).map(|()| out)
    }

    #[test]
    fn cells_begin_after_delimiters_outside_quotes() {
        assert_eq!(of("a,b,,c\n"), Ok(vec![10, 12, 14, 15]));
        assert_eq!(of("\"a,\"\"b\"\"\",c"), Ok(vec![10, 20]));
        assert_eq!(of("a\"b,c"), Ok(vec![10, 14]));
        assert_eq!(of("\"a\nb\",c\r\n"), Ok(vec![10, 16]));
        assert_eq!(of("a,\"b"), Err(NeverClosed(12)));
    }
}
