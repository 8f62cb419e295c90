//! Puts the mutants of one file behind the switch.
//!
//! Operators: comparisons and `&&`/`||` changed or one side dropped, conditions and `matches!` negated, alternatives of a
//! pattern dropped, constants and levels shifted, codes exchanged, arms of a match given to its default, statements and
//! early ends removed, `any`/`all` and their kin exchanged, filters made to take all or nothing, whole bodies replaced.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote};
use std::collections::BTreeSet;
use std::fmt;
use syn::parse::{Parse, ParseStream};
use syn::spanned::Spanned as _;
use syn::visit_mut::{self, VisitMut};
use syn::{BinOp, Block, Expr, FnArg, Lit, Pat, ReturnType, Stmt, Type, parse_quote};

/// One mistake.
#[derive(Clone)]
pub struct Mutant {
    pub id: u32,
    pub file: String,
    pub line: usize,
    pub function: String,
    pub what: String,
}

impl fmt::Display for Mutant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}:{} {}: {}", self.id, self.file, self.line, self.function, self.what)
    }
}

/// File, function, mutant.
pub type Key = (String, String, String);

impl Mutant {
    /// What the list of reviewed mutants names it by: line numbers change.
    pub fn key(&self) -> Key {
        (self.file.clone(), self.function.clone(), self.what.clone())
    }
}

/// The file with its mutants behind the switch.
pub fn file(name: &str, source: &str, refused: &BTreeSet<Key>, mutants: &mut Vec<Mutant>) -> String {
    let mut parsed = syn::parse_file(source).expect("a Rust file");
    let mut numbers = Vec::new();
    for item in &parsed.items {
        if let syn::Item::Const(item) = item {
            if matches!(item.ty.to_token_stream().to_string().as_str(), "i64" | "usize" | "u64" | "u32" | "f64") {
                numbers.push(item.ident.to_string());
            }
        }
    }
    let mut maker = Maker { file: name, function: String::new(), refused, mutants, numbers };
    maker.visit_file_mut(&mut parsed);
    parsed.to_token_stream().to_string()
}

struct Maker<'a> {
    file: &'a str,
    function: String,
    refused: &'a BTreeSet<Key>,
    mutants: &'a mut Vec<Mutant>,
    /// Constants of this file that are numbers.
    numbers: Vec<String>,
}

/// `matches!(expression, pattern if guard)`.
struct Matches {
    subject: Expr,
    pattern: Pat,
    guard: Option<Expr>,
}

impl Parse for Matches {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let subject = input.parse()?;
        input.parse::<syn::Token![,]>()?;
        let pattern = Pat::parse_multi_with_leading_vert(input)?;
        let guard = if input.peek(syn::Token![if]) {
            input.parse::<syn::Token![if]>()?;
            Some(input.parse()?)
        } else {
            None
        };
        let _ = input.parse::<Option<syn::Token![,]>>()?;
        Ok(Self { subject, pattern, guard })
    }
}

fn short(tokens: &impl ToTokens) -> String {
    let text = tokens.to_token_stream().to_string();
    let text = text.replace(" . ", ".").replace(" :: ", "::").replace("& ", "&").replace(" (", "(").replace("( ", "(");
    let text = text.replace(" )", ")").replace(" ,", ",").replace("! (", "!(");
    let mut cut: String = text.chars().take(90).collect();
    if cut.len() < text.len() {
        cut.push('…');
    }
    cut
}

/// Whether a condition binds: such a one cannot stand in brackets.
fn binds(condition: &Expr) -> bool {
    match condition {
        Expr::Let(_) => true,
        Expr::Binary(b) if matches!(b.op, BinOp::And(_)) => binds(&b.left) || binds(&b.right),
        _ => false,
    }
}

const TAKES_A_TEST: &[&str] =
    &["filter", "any", "all", "find", "is_some_and", "is_none_or", "retain", "partition", "take_while", "position"];
const EXCHANGED: &[(&str, &str)] = &[
    ("any", "all"),
    ("all", "any"),
    ("is_some_and", "is_none_or"),
    ("is_none_or", "is_some_and"),
    ("max", "min"),
    ("min", "max"),
    ("max_by_key", "min_by_key"),
    ("min_by_key", "max_by_key"),
    ("first", "last"),
    ("last", "first"),
];
const SAYS_YES_OR_NO: &[&str] = &["is_empty", "contains", "holds", "is_some", "is_none", "gated"];
/// `a.or(b)` without the `b`.
const ADDS: &[&str] = &["or", "or_else", "min", "max", "filter"];

/// The codes an expression can name, and what each becomes.
fn exchanged(kind: &str, code: &str) -> &'static [&'static str] {
    match (kind, code) {
        ("Level", "N") => &["I", "F"],
        ("Level", "I") => &["N", "S"],
        ("Level", "S") => &["I", "F"],
        ("Level", "F") => &["S", "N"],
        ("Reason", "DMatrix") => &["DCap"],
        ("Reason", _) => &["DMatrix"],
        ("Limit", "CapThird") => &["CapAdult"],
        ("Limit", _) => &["CapThird"],
        ("Marker", "Shown" | "None") => &["Silent"],
        ("Marker", _) => &["Shown"],
        ("Flag", "CpTask") => &["AlertPrv"],
        ("Flag", _) => &["CpTask"],
        ("Choice", "Permit") => &["Refuse"],
        ("Choice", _) => &["Permit"],
        ("Class", "Own") => &["Parent"],
        ("Class", _) => &["Own"],
        ("Tie", "Near") => &["AllegedPerpetrator"],
        ("Tie", _) => &["Near"],
        ("Ending", "Expired") => &["Withdrawn"],
        ("Ending", _) => &["Expired"],
        ("State", "InForce" | "Disputed") => &["Never"],
        ("State", "Never") => &["InForce"],
        ("OverrideKind", "Emg") => &["Ordinary"],
        ("OverrideKind", _) => &["Emg"],
        ("Form", "Full") => &["Summary"],
        ("Form", "Summary") => &["Full"],
        _ => &[],
    }
}

impl Maker<'_> {
    /// The number of a new mutant; none when it was refused before.
    fn number(&mut self, at: Span, what: String) -> Option<u32> {
        let id = u32::try_from(self.mutants.len()).expect("few") + 1;
        let line = at.start().line;
        let mutant = Mutant { id, file: self.file.to_owned(), line, function: self.function.clone(), what };
        let taken = !self.refused.contains(&mutant.key());
        self.mutants.push(mutant);
        taken.then_some(id)
    }

    /// Wraps an expression: `instead` when the switch says so.
    fn wrap(&mut self, expr: &mut Expr, at: Span, what: String, instead: impl ToTokens) {
        if let Some(id) = self.number(at, what) {
            *expr = parse_quote!((if crate::mutant::on(#id) { #instead } else { #expr }));
        }
    }

    fn negate(&mut self, expr: &mut Expr, at: Span, what: String) {
        if let Some(id) = self.number(at, what) {
            *expr = parse_quote!((crate::mutant::on(#id) != (#expr)));
        }
    }

    fn binary(&mut self, expr: &mut Expr, before: &syn::ExprBinary) {
        let (left, right, at) = (&before.left, &before.right, before.span());
        let operators: &[TokenStream] = &match before.op {
            BinOp::Eq(_) => vec![quote!(!=)],
            BinOp::Ne(_) => vec![quote!(==)],
            BinOp::Lt(_) => vec![quote!(<=), quote!(>=)],
            BinOp::Le(_) => vec![quote!(<), quote!(>)],
            BinOp::Gt(_) => vec![quote!(>=), quote!(<=)],
            BinOp::Ge(_) => vec![quote!(>), quote!(<)],
            BinOp::And(_) => vec![quote!(||)],
            BinOp::Or(_) => vec![quote!(&&)],
            BinOp::Add(_) => vec![quote!(-)],
            BinOp::Sub(_) => vec![quote!(+)],
            BinOp::BitOr(_) => vec![quote!(&)],
            BinOp::BitAnd(_) => vec![quote!(|)],
            _ => vec![],
        };
        for operator in operators {
            let what = format!("`{}` with `{operator}`", short(before));
            self.wrap(expr, at, what, quote!(#left #operator #right));
        }
        if matches!(before.op, BinOp::And(_) | BinOp::Or(_)) {
            self.wrap(expr, at, format!("`{}` only its left side", short(before)), left);
            self.wrap(expr, at, format!("`{}` only its right side", short(before)), right);
        }
    }

    fn method(&mut self, expr: &mut Expr, before: &syn::ExprMethodCall) {
        let name = before.method.to_string();
        let (receiver, arguments, at) = (&before.receiver, &before.args, before.method.span());
        for (from, to) in EXCHANGED.iter().filter(|(from, _)| *from == name) {
            if arguments.is_empty() && matches!(*from, "any" | "all") {
                continue;
            }
            let to = syn::Ident::new(to, at);
            self.wrap(
                expr,
                at,
                format!("`{}` with `{to}` for `{from}`", short(before)),
                quote!(#receiver.#to(#arguments)),
            );
        }
        if ADDS.contains(&name.as_str()) && arguments.len() == 1 && name != "filter" {
            self.wrap(expr, at, format!("`{}` without its `{name}`", short(before)), receiver);
        }
        if SAYS_YES_OR_NO.contains(&name.as_str()) {
            self.negate(expr, at, format!("`{}` negated", short(before)));
        }
    }

    fn matches(&mut self, expr: &mut Expr, before: &syn::ExprMacro) {
        let Ok(Matches { subject, pattern, guard }) = before.mac.parse_body::<Matches>() else { return };
        let at = before.span();
        self.negate(expr, at, format!("`{}` negated", short(before)));
        let guard = guard.map(|g| quote!(if #g));
        if let Pat::Or(or) = &pattern {
            for (without, left_out) in or.cases.iter().enumerate() {
                let rest = or.cases.iter().enumerate().filter(|(n, _)| *n != without).map(|(_, case)| case);
                let what = format!("`{}` without `{}`", short(before), short(left_out));
                self.wrap(expr, at, what, quote!(matches!(#subject, #(#rest)|* #guard)));
            }
        }
    }

    fn path(&mut self, expr: &mut Expr, before: &syn::ExprPath) {
        let segments: Vec<String> = before.path.segments.iter().map(|s| s.ident.to_string()).collect();
        let at = before.span();
        if let [name] = segments.as_slice() {
            if self.numbers.contains(name) {
                self.wrap(expr, at, format!("`{name}` doubled"), quote!((#before + #before)));
                self.wrap(
                    expr,
                    at,
                    format!("`{name}` halved"),
                    quote!((#before / (#before / #before + #before / #before))),
                );
            }
        }
        let [.., kind, code] = segments.as_slice() else { return };
        for to in exchanged(kind, code) {
            let mut path = before.clone();
            let last = path.path.segments.last_mut().expect("a segment");
            last.ident = syn::Ident::new(to, at);
            self.wrap(expr, at, format!("`{kind}::{to}` for `{kind}::{code}`"), path);
        }
    }

    /// A match with a default: each other arm in turn is not there.
    fn arms(&mut self, matched: &mut syn::ExprMatch) {
        let default = matched.arms.last().is_some_and(|a| a.guard.is_none() && matches!(a.pat, Pat::Wild(_)));
        if !default {
            return;
        }
        let count = matched.arms.len() - 1;
        for arm in matched.arms.iter_mut().take(count) {
            let what = format!("the arm `{}` left to the default", short(&arm.pat));
            let Some(id) = self.number(arm.pat.span(), what) else { continue };
            arm.guard = match arm.guard.take() {
                Some((token, old)) => Some((token, parse_quote!(!crate::mutant::on(#id) && (#old)))),
                None => Some((Default::default(), parse_quote!(!crate::mutant::on(#id)))),
            };
        }
    }

    fn body(&mut self, output: &ReturnType, block: &mut Block) {
        let values: Vec<TokenStream> = match output {
            ReturnType::Default => vec![quote!()],
            ReturnType::Type(_, ty) => defaults(ty),
        };
        let mut first = Vec::new();
        for value in values {
            let said = if value.is_empty() { "nothing".to_owned() } else { format!("`{}`", short(&value)) };
            if let Some(id) = self.number(block.span(), format!("the body replaced by {said}")) {
                first.push(parse_quote!(if crate::mutant::on(#id) { return #value; }));
            }
        }
        first.append(&mut block.stmts);
        block.stmts = first;
    }

    fn function(&mut self, signature: &mut syn::Signature, block: &mut Block) {
        let outer = std::mem::replace(&mut self.function, signature.ident.to_string());
        // The switch is read at run time.
        signature.constness = None;
        visit_mut::visit_block_mut(self, block);
        self.removable(block);
        let receiver_only = signature.inputs.iter().all(|input| matches!(input, FnArg::Receiver(_)));
        let formatting = receiver_only && self.function == "fmt";
        if !formatting {
            self.body(&signature.output.clone(), block);
        }
        self.function = outer;
    }

    /// Statements that can be left out.
    fn removable(&mut self, block: &mut Block) {
        for statement in &mut block.stmts {
            let Stmt::Expr(expr, Some(_)) = statement else { continue };
            let removable = matches!(
                expr,
                Expr::MethodCall(_)
                    | Expr::Call(_)
                    | Expr::Assign(_)
                    | Expr::Try(_)
                    | Expr::Return(_)
                    | Expr::Binary(_)
            );
            if !removable {
                continue;
            }
            if let Some(id) = self.number(expr.span(), format!("`{};` removed", short(expr))) {
                *statement = parse_quote!(if !crate::mutant::on(#id) { #expr; });
            }
        }
    }
}

/// What a body of this type can be replaced by.
fn defaults(ty: &Type) -> Vec<TokenStream> {
    let Type::Path(path) = ty else { return Vec::new() };
    let Some(last) = path.path.segments.last() else { return Vec::new() };
    let plain = last.arguments.is_empty();
    match last.ident.to_string().as_str() {
        "bool" => vec![quote!(true), quote!(false)],
        "Option" => vec![quote!(None)],
        "Vec" | "BTreeSet" | "BTreeMap" | "String" => vec![quote!(Default::default())],
        "Level" => vec![quote!(Level::N), quote!(Level::F)],
        "Step" if plain => vec![quote!(std::ops::ControlFlow::Continue(()))],
        "usize" | "i64" | "u32" | "u64" => vec![quote!(0), quote!(1)],
        _ => Vec::new(),
    }
}

fn tested(attributes: &[syn::Attribute]) -> bool {
    attributes
        .iter()
        .any(|a| a.path().is_ident("test") || (a.path().is_ident("cfg") && short(&a.meta).contains("test")))
}

impl VisitMut for Maker<'_> {
    fn visit_item_mod_mut(&mut self, item: &mut syn::ItemMod) {
        if !tested(&item.attrs) {
            visit_mut::visit_item_mod_mut(self, item);
        }
    }
    fn visit_item_const_mut(&mut self, _: &mut syn::ItemConst) {}
    fn visit_item_static_mut(&mut self, _: &mut syn::ItemStatic) {}
    fn visit_impl_item_const_mut(&mut self, _: &mut syn::ImplItemConst) {}
    fn visit_pat_mut(&mut self, _: &mut Pat) {}
    fn visit_type_mut(&mut self, _: &mut Type) {}
    fn visit_attribute_mut(&mut self, _: &mut syn::Attribute) {}

    fn visit_item_fn_mut(&mut self, item: &mut syn::ItemFn) {
        if !tested(&item.attrs) {
            self.function(&mut item.sig, &mut item.block);
        }
    }
    fn visit_impl_item_fn_mut(&mut self, item: &mut syn::ImplItemFn) {
        self.function(&mut item.sig, &mut item.block);
    }
    /// The `else` of a `let` must end the function: nothing of it is removed.
    fn visit_local_mut(&mut self, local: &mut syn::Local) {
        let Some(init) = &mut local.init else { return };
        self.visit_expr_mut(&mut init.expr);
        match init.diverge.as_mut().map(|(_, otherwise)| &mut **otherwise) {
            Some(Expr::Block(otherwise)) => {
                otherwise.block.stmts.iter_mut().for_each(|statement| visit_mut::visit_stmt_mut(self, statement));
            }
            Some(otherwise) => self.visit_expr_mut(otherwise),
            None => {}
        }
    }
    fn visit_block_mut(&mut self, block: &mut Block) {
        visit_mut::visit_block_mut(self, block);
        self.removable(block);
    }

    fn visit_expr_mut(&mut self, expr: &mut Expr) {
        let before = expr.clone();
        match &before {
            // Rule numbers in a decision are for readers.
            Expr::Reference(r) if matches!(&*r.expr, Expr::Array(a) if a.elems.iter().all(|e| matches!(e, Expr::Lit(_)))) =>
            {
                return;
            }
            Expr::Const(_) => return,
            _ => visit_mut::visit_expr_mut(self, expr),
        }
        match &before {
            _ if binds(&before) => {}
            Expr::Binary(b) => self.binary(expr, b),
            Expr::MethodCall(m) => self.method(expr, m),
            Expr::Macro(m) if m.mac.path.is_ident("matches") => self.matches(expr, m),
            Expr::Path(p) => self.path(expr, p),
            Expr::Unary(u) if matches!(u.op, syn::UnOp::Not(_)) => {
                self.negate(expr, u.span(), format!("`{}` without its `!`", short(u)));
            }
            Expr::Lit(l) => match &l.lit {
                Lit::Bool(b) => self.negate(expr, b.span(), format!("`{}` negated", b.value)),
                Lit::Int(n) => {
                    if let Ok(value) = n.base10_parse::<u64>() {
                        let to = syn::LitInt::new(&format!("{}{}", value + 1, n.suffix()), n.span());
                        self.wrap(expr, n.span(), format!("`{to}` for `{value}`"), to);
                    }
                }
                _ => {}
            },
            Expr::If(_) => {
                if let Expr::If(inner) = expr {
                    if !binds(&inner.cond) {
                        let what = format!("the condition `{}` negated", before_condition(&before));
                        let at = inner.cond.span();
                        self.negate(&mut inner.cond, at, what);
                    }
                }
            }
            Expr::Match(_) => {
                if let Expr::Match(inner) = expr {
                    self.arms(inner);
                }
            }
            _ => {}
        }
    }

    fn visit_expr_method_call_mut(&mut self, call: &mut syn::ExprMethodCall) {
        let takes = TAKES_A_TEST.contains(&call.method.to_string().as_str());
        let said = short(call);
        visit_mut::visit_expr_method_call_mut(self, call);
        if !takes || call.args.len() != 1 {
            return;
        }
        if let Some(Expr::Closure(test)) = call.args.first_mut() {
            let at = test.body.span();
            let mut body = (*test.body).clone();
            self.wrap(&mut body, at, format!("the test of `{said}` always true"), quote!(true));
            self.wrap(&mut body, at, format!("the test of `{said}` always false"), quote!(false));
            *test.body = body;
        }
    }
}

fn before_condition(expr: &Expr) -> String {
    match expr {
        Expr::If(inner) => short(&inner.cond),
        _ => String::new(),
    }
}
