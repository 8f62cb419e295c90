//! Text to tokens, with spans. Comments are kept as tokens' trivia for the formatter.
//!
//! Refuses characters the language has no use for. Names are ASCII; texts in quotes are any UTF-8 without line breaks.

use crate::diagnostic::{Diagnostic, Span, code};

/// What a token is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Token {
    /// A name, keyword or number.
    Name(String),
    /// `"…"`.
    Text(String),
    /// Punctuation.
    Sign(&'static str),
    /// End of a line.
    Newline,
    /// A comment, without `#` and outer blanks.
    Comment(String),
    /// End of the file.
    End,
}

/// A token and where it stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Lexeme {
    /// The token.
    pub token: Token,
    /// Where.
    pub span: Span,
}

/// Longest first, so that `<->` is not read as `<-`.
const SIGNS: [&str; 16] = ["<->", "->", "<-", "..", ".", "/", "[", "]", "(", ")", "{", "}", ",", ":", "=", "$"];

/// Splits a file into tokens.
///
/// # Errors
/// `SOL-MAP-SYNTAX` for a stray character, an unclosed text, or bytes that are not UTF-8.
pub fn lex(source: &[u8]) -> Result<Vec<Lexeme>, Diagnostic> {
    let text = std::str::from_utf8(source).map_err(|e| {
        let at = Span { start: e.valid_up_to(), end: e.valid_up_to().saturating_add(1) };
        Diagnostic::error(code::MAP_SYNTAX, "the file is not UTF-8 text").with_span(at, source)
    })?;
    let mut out = Vec::new();
    let mut at = 0_usize;
    while let Some(rest) = text.get(at..)
        && let Some(first) = rest.chars().next()
    {
        let (token, length) = match first {
            '\n' => (Some(Token::Newline), 1),
            c if c.is_whitespace() || c == '\u{feff}' => (None, c.len_utf8()),
            '#' => {
                let line = rest.split('\n').next().unwrap_or(rest);
                (Some(Token::Comment(line.trim_start_matches('#').trim().to_owned())), line.len())
            }
            '"' => quoted(rest, at, source)?,
            c if is_name(c) && !rest.starts_with("->") => {
                let length = name_length(rest);
                (rest.get(..length).map(|n| Token::Name(n.to_owned())), length)
            }
            _ => match SIGNS.iter().find(|s| rest.starts_with(**s)) {
                Some(sign) => (Some(Token::Sign(sign)), sign.len()),
                None => {
                    let span = Span { start: at, end: at + first.len_utf8() };
                    return Err(Diagnostic::error(code::MAP_SYNTAX, "this character has no meaning here")
                        .with_span(span, source)
                        .with_help("names use letters, digits, `_`, `-` and `@`; everything else stands in quotes"));
                }
            },
        };
        if let Some(token) = token {
            out.push(Lexeme { token, span: Span { start: at, end: at + length } });
        }
        at += length;
    }
    out.push(Lexeme { token: Token::End, span: Span { start: text.len(), end: text.len() } });
    Ok(out)
}

/// A colon between two letters joins a prefix and a name (`nc:Person`); one that blanks surround is a sign.
fn joins(tail: &str) -> bool {
    tail.strip_prefix(':').is_some_and(|after| after.starts_with(|c: char| c.is_ascii_alphabetic()))
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '@')
}

/// A name ends before `->`, so that `a->b` is three tokens.
fn name_length(rest: &str) -> usize {
    let mut length = 0;
    while let Some(tail) = rest.get(length..)
        && let Some(c) = tail.chars().next()
        && (is_name(c) || (length > 0 && joins(tail)))
        && !tail.starts_with("->")
    {
        length += 1;
    }
    length.max(1)
}

fn quoted(rest: &str, at: usize, source: &[u8]) -> Result<(Option<Token>, usize), Diagnostic> {
    let mut text = String::new();
    let mut chars = rest.char_indices().skip(1);
    while let Some((i, c)) = chars.next() {
        match c {
            '"' => return Ok((Some(Token::Text(text)), i + 1)),
            '\n' => break,
            '\\' => match chars.next() {
                Some((_, e @ ('"' | '\\'))) => text.push(e),
                _ => break,
            },
            c => text.push(c),
        }
    }
    let span = Span { start: at, end: at + rest.split('\n').next().unwrap_or(rest).len() };
    Err(Diagnostic::error(code::MAP_SYNTAX, "this text has no closing quote on its line")
        .with_span(span, source)
        .with_help("close it with `\"`; inside, write `\\\"` for a quote and `\\\\` for a backslash"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(text: &str) -> Vec<Token> {
        lex(text.as_bytes()).unwrap().into_iter().map(|l| l.token).collect()
    }

    #[test]
    fn an_arrow_ends_a_name_that_may_hold_hyphens() {
        let name = |n: &str| Token::Name(n.to_owned());
        assert_eq!(tokens("former-upn->b"), [name("former-upn"), Token::Sign("->"), name("b"), Token::End]);
    }

    #[test]
    fn steps_may_begin_with_digits_and_ranges_are_one_sign() {
        let name = |n: &str| Token::Name(n.to_owned());
        assert_eq!(
            tokens("22[1..].1"),
            [
                name("22"),
                Token::Sign("["),
                name("1"),
                Token::Sign(".."),
                Token::Sign("]"),
                Token::Sign("."),
                name("1"),
                Token::End
            ]
        );
    }

    #[test]
    fn a_colon_joins_a_prefix_and_stands_alone_between_blanks() {
        let name = |n: &str| Token::Name(n.to_owned());
        assert_eq!(
            tokens("nc:Person <-> a : text"),
            [name("nc:Person"), Token::Sign("<->"), name("a"), Token::Sign(":"), name("text"), Token::End]
        );
    }

    #[test]
    fn an_unclosed_text_is_refused_with_its_place() {
        let error = lex(b"title \"no end\nnext").unwrap_err();
        assert_eq!(error.position.map(|p| (p.line, p.column)), Some((1, 7)));
    }
}
