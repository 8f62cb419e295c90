//! Draws a diagnostic with its source line, for a terminal.

use super::{Diagnostic, Severity};
use ariadne::{Config, IndexType, Label, Report, ReportKind, Source};

/// The diagnostic as text for standard error. With `source` (the text of the named file) and a span, the line is drawn
/// with a marker; without, it is the one-line form. Mapping, schema and rule files only: a message's own text is
/// personal, so callers pass no source for messages.
#[must_use]
pub fn render(diagnostic: &Diagnostic, source: Option<&str>) -> String {
    let (Some(source), Some(span)) = (source, diagnostic.span) else {
        return format!("{diagnostic}\n");
    };
    let file = diagnostic.file.as_deref().unwrap_or("input");
    let range = span.start.min(source.len())..span.end.max(span.start + 1).min(source.len().max(1));
    let kind = match diagnostic.severity {
        Severity::Error => ReportKind::Error,
        Severity::Warning => ReportKind::Warning,
    };
    let mut report = Report::build(kind, (file, range.clone()))
        .with_config(Config::default().with_index_type(IndexType::Byte).with_color(false))
        .with_code(diagnostic.code)
        .with_message(&diagnostic.message)
        .with_label(Label::new((file, range)).with_message(diagnostic.expected.as_deref().unwrap_or("here")));
    if let Some(help) = &diagnostic.help {
        report = report.with_help(help);
    }
    let mut out = Vec::new();
    if report.finish().write((file, Source::from(source)), &mut out).is_err() {
        return format!("{diagnostic}\n");
    }
    String::from_utf8_lossy(&out).into_owned()
}
