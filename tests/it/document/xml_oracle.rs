//! Our XML reader against `roxmltree`.

use super::CENSUS;
use proptest::prelude::*;
use solent::diagnostic::code;
use solent::document::{Document, Kind, Limits, NodeId, Style, xml};

fn read(text: &str) -> Result<Document, solent::diagnostic::Diagnostic> {
    let root = roxmltree::Document::parse(text).ok().map(|d| d.root_element().tag_name().name().to_owned());
    xml::read(text, root.as_deref().unwrap_or("a"), &Limits::default(), None)
}

/// Every text of a tree with its path, as roxmltree sees it: elements with text only, attributes, stray text.
fn theirs(node: roxmltree::Node<'_, '_>, path: &str, out: &mut Vec<(String, String)>) {
    let path = format!("{path}/{}", node.tag_name().name());
    for attribute in node.attributes() {
        if attribute.namespace().is_none() {
            out.push((format!("{path}/@{}", attribute.name()), attribute.value().to_owned()));
        }
    }
    let text: String = node.children().filter(|c| c.is_text()).filter_map(|c| c.text()).collect();
    if !text.trim().is_empty() {
        out.push((path.clone(), text.trim().to_owned()));
    }
    node.children().filter(|c| c.is_element()).for_each(|c| theirs(c, &path, out));
}

fn ours(tree: &Document, node: NodeId, path: &str, out: &mut Vec<(String, String)>) {
    match tree.kind(node) {
        Kind::Object => tree.children(node).for_each(|child| {
            let key = tree.key(child).unwrap();
            let path = if key == "#text" { path.to_owned() } else { format!("{path}/{key}") };
            ours(tree, child, &path, out);
        }),
        Kind::Array => tree.children(node).for_each(|item| ours(tree, item, path, out)),
        _ => {
            let text = tree.text(node).unwrap();
            // Prefixed attributes are kept under their prefix; the oracle gives them a namespace instead.
            let prefixed = path.rsplit('/').next().is_some_and(|n| n.starts_with('@') && n.contains(':'));
            if !prefixed && (!text.is_empty() || path.contains('@')) {
                out.push((path.to_owned(), text.to_owned()));
            }
        }
    }
}

fn compare(text: &str) {
    // The oracle takes a name with an empty prefix, `</:a>`; Namespaces in XML (§3, NCName) does not.
    if text.contains("<:") || text.contains("</:") {
        let _ = read(text);
        return;
    }
    let oracle = roxmltree::Document::parse(text);
    match (read(text), oracle) {
        (Ok(tree), Ok(document)) => {
            let (mut a, mut b) = (Vec::new(), Vec::new());
            let root = document.root_element();
            ours(&tree, tree.root(), &format!("/{}", root.tag_name().name()), &mut a);
            theirs(root, "", &mut b);
            a.sort();
            b.sort();
            assert_eq!(a, b, "{text}");
        }
        (Ok(_), Err(e)) => panic!("only we accept {text:?}: {e}"),
        (Err(d), Ok(_)) => {
            assert!([code::DOC_LIMIT, code::DOC_FORBIDDEN].contains(&d.code), "only we refuse {text:?}: {d}");
        }
        (Err(d), Err(_)) => assert!(d.position.is_some(), "{text:?}: {d}"),
    }
}

/// Well formed and not, one matter each.
const TEXTS: &[&str] = &[
    "<a/>",
    "<a></a>",
    "<a>x</a>",
    " <a/> ",
    "<?xml version='1.0'?><a/>",
    " <?xml version='1.0'?><a/>",
    "<a><b>1</b><b>2</b></a>",
    "<a>x<b/>y</a>",
    "<a>a&amp;b&#x41;&#65;c</a>",
    "<a b='&lt;&quot;'/>",
    "<a><![CDATA[<x>&]]></a>",
    "<a>]]></a>",
    "<a>&nbsp;</a>",
    "<a>&#0;</a>",
    "<a>&#xFFFE;</a>",
    "<a>&#x110000;</a>",
    "<a>&#;</a>",
    "<a>&#x;</a>",
    "<a>& b</a>",
    "<a b='&'/>",
    "<a b='<'/>",
    "<a b=c/>",
    "<a b='1' b='2'/>",
    "<a b='1'c='2'/>",
    "<a",
    "<a>",
    "<a><b></a>",
    "<a></b>",
    "</a>",
    "<a/><b/>",
    "<a/>x",
    "x<a/>",
    "<a/><!-- c -->",
    "<!-- a--b --><a/>",
    "<a><!-- c --></a>",
    "<a><?p x?></a>",
    "<?xml?><a/>",
    "<a><?xml version='1.0'?></a>",
    "<x:a/>",
    "<x:a xmlns:x='u'/>",
    "<a x:b='1'/>",
    "<a xmlns:x='u' x:b='1' b='2'/>",
    "<a xmlns:x='u' xmlns:y='u' x:b='1' y:b='2'/>",
    "<a xmlns='u'><b/></a>",
    "<1a/>",
    "<a:b:c/>",
    "<a -b='1'/>",
    "<é/>",
    "<a>\u{0}</a>",
    "<a>\u{1}</a>",
    "<a>\u{FFFE}</a>",
    "<a>\r\n x\r</a>",
    "<a b='\n\t'/>",
    "",
    " ",
    "<!DOCTYPE a><a/>",
    "<a>&#x9;&#10;</a>",
    "< a/>",
    "<a / >",
    "<a b = '1'/>",
    "<a></a >",
    "<a>é漢🦀</a>",
    "<a xml:lang='en'/>",
    "<a xmlns:xml='u'/>",
    "<a><b/>\u{a0}</a>",
];

#[test]
fn both_agree_on_what_is_well_formed() {
    for text in TEXTS {
        compare(text);
    }
}

/// Namespaces in XML 1.0 §3 and §6.1 forbid both; the oracle is milder here.
#[test]
fn a_prefix_cannot_be_unbound_nor_xmlns_bound() {
    for text in ["<a xmlns:x=''/>", "<a xmlns:xmlns='u'/>"] {
        assert_eq!(read(text).unwrap_err().code, code::DOC_SYNTAX);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn both_agree_on_a_damaged_census(cuts in prop::collection::vec((any::<usize>(), any::<usize>(), 0..4u8), 1..4)) {
        let mut text: Vec<char> = CENSUS.chars().collect();
        for (at, with, how) in cuts {
            let at = at % text.len();
            let letter = ['<', '>', '&', '/', '"', '\'', ';', 'a', ' ', '!', '?', '-', '=', ']', '[', ':', '#', 'é'][with % 18];
            match how {
                0 => text.insert(at, letter),
                1 => text[at] = letter,
                2 => { text.remove(at); }
                _ => text.truncate(at.max(1)),
            }
        }
        compare(&text.into_iter().collect::<String>());
    }

    #[test]
    fn what_is_written_reads_back(pieces in prop::collection::vec(("[a-z]{1,3}", "[ -~é\\n\\t]{1,8}"), 1..8)) {
        let mut tree = Document::new(Kind::Object);
        let root = tree.root();
        for (name, text) in pieces.iter().filter(|(_, t)| !t.trim().is_empty()) {
            let list = match tree.member(root, name) {
                Some(list) => list,
                None => tree.add(root, Some(name), Kind::Array, "", 0),
            };
            tree.add(list, None, Kind::String, text.trim(), 0);
        }
        for style in [Style::Compact, Style::Pretty] {
            let bytes = xml::write(&tree, root, "root", None, style);
            let back = xml::read(std::str::from_utf8(&bytes).unwrap(), "root", &Limits::default(), None).unwrap();
            prop_assert!(tree.same(root, &back, back.root()));
        }
    }
}
