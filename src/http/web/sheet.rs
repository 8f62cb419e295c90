//! A page as a list of parts: words, rows, tables, forms. Pages that are no picture of a family are written as data, so that
//! headings, errors, labels and hints are done once and the same everywhere.

use super::disclosure::Row;
use super::frame::Frame;
use super::text::Text;
use askama::Template;
use std::collections::BTreeMap;

/// A page of parts.
#[derive(Template)]
#[template(path = "sheet.html")]
pub struct Sheet {
    /// What stands on every page.
    pub frame: Frame,
    /// What is on this one, in order.
    pub parts: Vec<Part>,
}

impl Sheet {
    /// The faults of its forms: the field and what is said about it.
    fn faults(&self) -> Vec<(&str, &str)> {
        let forms = self.parts.iter().filter_map(|part| match part {
            Part::Form(form) => Some(form),
            _ => None,
        });
        let questions = forms.flat_map(|form| &form.questions);
        questions.filter_map(|q| q.wrong.as_deref().map(|wrong| (q.anchor.as_str(), wrong))).collect()
    }
}

/// One part of a page.
pub enum Part {
    /// A heading below the page's own.
    Heading(String),
    /// A paragraph.
    Words(String),
    /// A paragraph in a frame; `true` for danger.
    Callout(String, bool),
    /// Names and what they say.
    Rows(Vec<Row>),
    /// A table.
    Table(Table),
    /// Links, one a line: address and words.
    Links(Vec<(String, String)>),
    /// A link that looks like a button.
    Button(String, String),
    /// A form.
    Form(Form),
}

/// A table.
pub struct Table {
    /// What it holds.
    pub caption: String,
    /// The heads of its columns.
    pub head: Vec<String>,
    /// Its rows; the first cell of each is the row's head and may be a link.
    pub rows: Vec<(Option<String>, Vec<String>)>,
}

impl Table {
    /// The head of a column, for narrow screens, where each cell says what it is.
    fn label(&self, at: impl std::borrow::Borrow<usize>) -> &str {
        self.head.get(*at.borrow()).map_or("", String::as_str)
    }
}

/// A form.
pub struct Form {
    /// Where it goes.
    pub action: String,
    /// What it asks.
    pub questions: Vec<Question>,
    /// What its button says.
    pub submit: String,
    /// A second button: the value of `also` and what it says.
    pub second: Option<(&'static str, String)>,
    /// Whether its button opens something dangerous.
    pub danger: bool,
}

/// How a question is answered.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// One of its options.
    One,
    /// Any of its options.
    Many,
    /// A long text.
    Long,
    /// A short text.
    Short,
    /// A day.
    Day,
}

/// One question of a form.
pub struct Question {
    /// The field.
    pub name: &'static str,
    /// What the page calls it: the field, unless several forms of one page ask the same.
    pub id: String,
    /// Where a link from the summary of faults goes.
    pub anchor: String,
    /// The question.
    pub words: String,
    /// What helps to answer it.
    pub hint: Option<String>,
    /// How.
    pub by: By,
    /// Value, words, whether chosen.
    pub options: Vec<(String, String, bool)>,
    /// What was typed.
    pub value: String,
    /// What is wrong with it.
    pub wrong: Option<String>,
}

impl Question {
    /// A question by the name of its field; its words are `ask.NAME`, its hint `hint.NAME`.
    pub fn new(name: &'static str, by: By) -> Self {
        let text = Text::english();
        Self {
            name,
            id: name.to_owned(),
            anchor: name.to_owned(),
            words: text.find(&format!("ask.{name}")).unwrap_or_default().to_owned(),
            hint: text.find(&format!("hint.{name}")).map(str::to_owned),
            by,
            options: Vec::new(),
            value: String::new(),
            wrong: None,
        }
    }
    /// As one of several of the page, counted from 0: a label leads to its own field.
    pub fn nth(mut self, nth: usize) -> Self {
        if nth > 0 {
            self.id = format!("{}-of-{}", self.name, nth.saturating_add(1));
            self.anchor.clone_from(&self.id);
        }
        self
    }
    /// With options whose words are `option.VALUE`.
    pub fn of(name: &'static str, by: By, options: &[&str]) -> Self {
        let text = Text::english();
        let options = options.iter().map(|o| ((*o).to_owned(), text.word("option", o)));
        Self::new(name, by).with(options.collect())
    }
    /// With these options.
    pub fn with(mut self, options: Vec<(String, String)>) -> Self {
        self.anchor = format!("{}-1", self.id);
        self.options = options.into_iter().map(|(value, words)| (value, words, false)).collect();
        self
    }
    /// With what was typed or kept; several values are separated by spaces.
    pub fn filled(mut self, values: &BTreeMap<String, String>) -> Self {
        self.value = values.get(self.name).cloned().unwrap_or_default();
        let chosen: Vec<&str> = match self.by {
            By::Many => self.value.split(' ').collect(),
            _ => vec![self.value.as_str()],
        };
        for (value, _, on) in &mut self.options {
            *on = chosen.contains(&value.as_str());
        }
        self
    }
    /// With a fault: what is said is `wrong.NAME`.
    pub fn wrong_if(mut self, wrong: bool) -> Self {
        let text = Text::english();
        let said = text.find(&format!("wrong.{}", self.name)).unwrap_or(text.say("wrong.other"));
        self.wrong = wrong.then(|| said.to_owned());
        self
    }
}

/// A row of a list of names and values.
pub fn row(key: &str, value: impl Into<String>) -> Row {
    Row { name: Text::english().find(key).unwrap_or_default().to_owned(), value: value.into() }
}

/// A form with one button.
pub fn form(action: impl Into<String>, questions: Vec<Question>, submit: &str) -> Form {
    let submit = Text::english().find(submit).unwrap_or_default().to_owned();
    Form { action: action.into(), questions, submit, second: None, danger: false }
}
