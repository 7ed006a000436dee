//! The page: words, tables and figures in one file that needs nothing else.

use std::fmt::Write;
use std::fs;
use std::io;
use std::path::Path;

/// Colours in light and dark: Okabe and Ito's accents ("Color Universal Design", 2008), which
/// people with any colour vision tell apart.
const STYLE: &str = "\
:root{color-scheme:light dark;--ground:#fff;--area:#f4f6f8;--rule:#c9d0d9;--ink:#1d232c;--dim:#5a6473;\
--s0:#0072b2;--s1:#c44e00;--s2:#008260;--s3:#a8558a;--s4:#8a6d00;--s5:#4a5568}\
@media(prefers-color-scheme:dark){:root{--ground:#161a21;--area:#1f252e;--rule:#3c4552;--ink:#e8ecf2;--dim:#9aa5b5;\
--s0:#56b4e9;--s1:#ff8c42;--s2:#2fc49a;--s3:#e29ac7;--s4:#e0c04a;--s5:#a9b4c4}}\
*{box-sizing:border-box}\
body{margin:0 auto;padding:1.2rem 1rem 3rem;max-width:72rem;background:var(--ground);color:var(--ink);\
font:1rem/1.5 system-ui,-apple-system,'Segoe UI',Roboto,sans-serif}\
h1{font-size:1.5rem;line-height:1.25;margin:.2rem 0 .6rem}h2{font-size:1.15rem;margin:2rem 0 .4rem}\
p{margin:.4rem 0;max-width:46rem}.dim{color:var(--dim)}.lead{font-size:1.1rem}\
.wide{overflow-x:auto;-webkit-overflow-scrolling:touch}\
table{border-collapse:collapse;font-size:.9rem;font-variant-numeric:tabular-nums;margin:.5rem 0}\
th,td{padding:.3rem .6rem;text-align:right;white-space:nowrap;border-bottom:1px solid var(--rule)}\
th{font-weight:600;color:var(--dim);vertical-align:bottom}th:first-child,td:first-child,.left{text-align:left}\
tr.best td{font-weight:600;background:var(--area)}\
.figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,22rem),1fr));gap:1.2rem 1.6rem;margin:.6rem 0}\
figure{margin:0;min-width:0}figcaption{font-size:.9rem;margin:0 0 .3rem}svg{display:block;width:100%;height:auto;max-width:40rem}\
text{font-family:system-ui,-apple-system,'Segoe UI',Roboto,sans-serif}\
polyline{fill:none;stroke-linejoin:round;stroke-linecap:round}\
.f-ink{fill:var(--ink)}.f-dim{fill:var(--dim)}.f-rule{fill:var(--rule)}.f-ground{fill:var(--ground)}.f-area{fill:var(--area)}\
.l-ink{stroke:var(--ink)}.l-dim{stroke:var(--dim)}.l-rule{stroke:var(--rule)}\
.f-s0{fill:var(--s0)}.f-s1{fill:var(--s1)}.f-s2{fill:var(--s2)}.f-s3{fill:var(--s3)}.f-s4{fill:var(--s4)}.f-s5{fill:var(--s5)}\
.l-s0{stroke:var(--s0)}.l-s1{stroke:var(--s1)}.l-s2{stroke:var(--s2)}.l-s3{stroke:var(--s3)}.l-s4{stroke:var(--s4)}.l-s5{stroke:var(--s5)}\
@media print{body{max-width:none}figure,tr{break-inside:avoid}}";

/// A page being written.
#[derive(Debug)]
pub struct Page {
    text: String,
}

/// A row of a table, perhaps the one to look at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Row {
    /// Its cells; the first is a name, the others are numbers.
    pub cells: Vec<String>,
    /// Stands out.
    pub best: bool,
}

impl Page {
    /// Begins with a heading.
    pub fn new(title: &str) -> Page {
        let title = escape(title);
        Page {
            text: format!(
                "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
                 <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n\
                 <title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>\n"
            ),
        }
    }

    /// What there is to know first.
    pub fn lead(&mut self, words: &str) {
        let _ = writeln!(self.text, "<p class=\"lead\">{}</p>", escape(words));
    }

    /// A heading.
    pub fn heading(&mut self, words: &str) {
        let _ = writeln!(self.text, "<h2>{}</h2>", escape(words));
    }

    /// A paragraph.
    pub fn words(&mut self, words: &str) {
        let _ = writeln!(self.text, "<p>{}</p>", escape(words));
    }

    /// A remark.
    pub fn remark(&mut self, words: &str) {
        let _ = writeln!(self.text, "<p class=\"dim\">{}</p>", escape(words));
    }

    /// A table; the first column holds names, as do those after it up to `names`.
    pub fn table(&mut self, names: usize, head: &[&str], rows: &[Row]) {
        let left = |i: usize| {
            if i > 0 && i < names {
                " class=\"left\""
            } else {
                ""
            }
        };
        self.text
            .push_str("<div class=\"wide\"><table>\n<thead><tr>");
        for (i, cell) in head.iter().enumerate() {
            let _ = write!(self.text, "<th{}>{}</th>", left(i), escape(cell));
        }
        self.text.push_str("</tr></thead>\n<tbody>\n");
        for row in rows {
            let class = if row.best { " class=\"best\"" } else { "" };
            let _ = write!(self.text, "<tr{class}>");
            for (i, cell) in row.cells.iter().enumerate() {
                let _ = write!(self.text, "<td{}>{}</td>", left(i), escape(cell));
            }
            self.text.push_str("</tr>\n");
        }
        self.text.push_str("</tbody></table></div>\n");
    }

    /// Figures beside one another where there is room: caption and SVG.
    pub fn figures(&mut self, figures: &[(String, String)]) {
        self.text.push_str("<div class=\"figures\">\n");
        for (caption, svg) in figures {
            let caption = escape(caption);
            let _ = writeln!(
                self.text,
                "<figure><figcaption>{caption}</figcaption>\n{svg}</figure>"
            );
        }
        self.text.push_str("</div>\n");
    }

    /// The whole page.
    pub fn finish(mut self) -> String {
        self.text.push_str("</body>\n</html>\n");
        self.text
    }
}

/// Writes a report beside its place and renames it.
///
/// # Errors
/// The system's words.
pub fn write(path: &Path, text: &str) -> io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let part = path.with_file_name(name);
    let written = fs::write(&part, text).and_then(|()| fs::rename(&part, path));
    if written.is_err() {
        let _ = fs::remove_file(&part);
    }
    written
}

/// Text that may stand in an element or in quotes. Control characters have no place there.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}
