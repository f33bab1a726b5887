//! What Tab offers: commands and their options, names, members, paths in quotes.

use cowry_shell_core::{Member, MemberKind};

use super::dot;
use super::editor::is_command;
use super::host_files;
use super::lex::{KEYWORDS, Kind, Token, is_word, tokens};
use super::signatures::signature;
use crate::render::shown;

/// The most that is offered at once.
pub const MOST: usize = 200;

/// Where names and paths come from: the session, or a double in a test.
pub trait Source {
    /// Properties of what a chain of names stands for that begin with a prefix, by name.
    fn members(&self, path: &[String], prefix: &str) -> Vec<Member>;

    /// Entries of a folder of the session that begin with a prefix, by name; those of folders end in a slash. A folder that is
    /// no absolute path is one of the working directory, which `.` is itself.
    fn files(&self, folder: &str, prefix: &str) -> Vec<String>;
}

/// One thing to offer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Offer {
    /// What is put in.
    pub text: String,
    /// What is listed.
    pub display: String,
}

impl Offer {
    fn plain(text: impl Into<String>) -> Offer {
        let text = text.into();
        Offer { display: shown(&text), text }
    }
}

/// What can stand at the end of `typed`, and from which byte of it on.
pub fn complete(typed: &str, source: &dyn Source) -> (usize, Vec<Offer>) {
    if typed.starts_with("$ ") {
        return (typed.len(), Vec::new());
    }
    if typed.starts_with('.') && (typed.len() == 1 || is_command(typed)) {
        return command(typed, source);
    }
    code(typed, 0, source)
}

/// Commands whose rest is JavaScript.
const WITH_CODE: &[&str] = &["table", "hex", "time"];
/// Those that name files of the host.
const WITH_HOST_FILES: &[&str] = &["load", "save", "fork"];
/// Those that name files of the session.
const WITH_FILES: &[&str] = &["cat", "edit", "diff", "restore"];

fn command(typed: &str, source: &dyn Source) -> (usize, Vec<Offer>) {
    let Some(end) = typed.find(char::is_whitespace) else {
        let begun = |name: &String| name.starts_with(&typed[1..]);
        return (1, dot::names().into_iter().filter(begun).map(Offer::plain).collect());
    };
    let name = &typed[1..end];
    if WITH_CODE.contains(&name) {
        return code(typed, end, source);
    }
    let start = typed.rfind(char::is_whitespace).map_or(0, |at| at + 1);
    let word = &typed[start..];
    let mut offers: Vec<Offer> =
        dot::options(name).into_iter().filter(|option| option.starts_with(word)).map(Offer::plain).collect();
    match name {
        "help" => {
            let topics = dot::names().into_iter().chain(["keys".to_owned()]);
            offers.extend(topics.filter(|topic| topic.starts_with(word)).map(Offer::plain));
        }
        _ if word.starts_with('-') => {}
        _ if WITH_HOST_FILES.contains(&name) => offers.extend(host(word)),
        _ if WITH_FILES.contains(&name) && word.starts_with('/') => offers.extend(files(word, source)),
        _ => {}
    }
    // Names of commands stand before paths; what is listed twice is offered once.
    offers.dedup();
    (start, offers)
}

/// Paths of the host that begin so, spaces kept together.
fn host(word: &str) -> Vec<Offer> {
    let quote = |path: String| path.replace('\\', "\\\\").replace(' ', "\\ ");
    host_files::beginning(word, MOST)
        .into_iter()
        .map(|path| Offer { display: shown(&path), text: quote(path) })
        .collect()
}

/// Paths of the session that begin so.
fn files(word: &str, source: &dyn Source) -> Vec<Offer> {
    let (folder, prefix) = word.rsplit_once('/').unwrap_or((".", word));
    let at = if folder.is_empty() { "/" } else { folder };
    let offer = |name: String| {
        let text = if word.contains('/') { format!("{folder}/{name}") } else { name.clone() };
        Offer { text, display: shown(&name) }
    };
    source.files(at, prefix).into_iter().filter(|name| !name.contains(char::is_control)).map(offer).collect()
}

/// What can stand at the end of code, which begins at `from`.
fn code(typed: &str, from: usize, source: &dyn Source) -> (usize, Vec<Offer>) {
    let code = &typed[from..];
    let cut = tokens(code);
    match cut.last() {
        Some(last) if last.kind == Kind::String && !last.closed => {
            let (start, offers) = path_in_quotes(&code[last.start..], source);
            (from + last.start + start, offers)
        }
        Some(last) if !last.closed || last.kind == Kind::Comment => (typed.len(), Vec::new()),
        _ => {
            let (start, offers) = name(code, &cut, source);
            (from + start, offers)
        }
    }
}

/// A path of which a part is typed, in a string or in quotes within one, as in the text of a query. What has not begun
/// as a path may be any text.
fn path_in_quotes(string: &str, source: &dyn Source) -> (usize, Vec<Offer>) {
    // What stands behind a substitution in a template begins without a quote.
    let quote = string.chars().next().filter(|c| matches!(c, '\'' | '"' | '`'));
    let begin = quote.map_or(0, char::len_utf8);
    if let Some((at, inner)) = quote_within(&string[begin..]) {
        let start = begin + at + inner.len_utf8();
        return (start, path_in_quotes_within(&string[start..], [quote.unwrap_or('`'), inner], source));
    }
    let inside = &string[begin..];
    let Some(quote) = quote.filter(|_| !inside.is_empty() && !inside.contains(['\\', '\n'])) else {
        return (string.len(), Vec::new());
    };
    let escape = |offer: Offer| Offer {
        text: offer.text.replace('\\', "\\\\").replace(quote, &format!("\\{quote}")),
        ..offer
    };
    (begin, files(inside, source).into_iter().map(escape).collect())
}

/// Paths in quotes that are themselves within a string. What would end either, or mean something in a template, is
/// left out: how it is written there depends on what the text is.
fn path_in_quotes_within(inside: &str, quotes: [char; 2], source: &dyn Source) -> Vec<Offer> {
    if !inside.starts_with('/') || inside.contains(['\\', '\n']) {
        return Vec::new();
    }
    let mut offers = files(inside, source);
    offers.retain(|offer| !offer.text.contains(quotes) && !offer.text.contains(['\\', '$']));
    offers
}

/// Where a quote is opened in a text and not closed, and which one. An apostrophe in a word is none.
fn quote_within(text: &str) -> Option<(usize, char)> {
    let mut open: Option<(usize, char)> = None;
    let mut before = ' ';
    for (at, c) in text.char_indices() {
        match open {
            Some((_, quote)) if quote == c => open = None,
            None if matches!(c, '\'' | '"') && !is_word(before) => open = Some((at, c)),
            _ => {}
        }
        before = c;
    }
    open
}

/// A name, or a member of a chain of names.
fn name(code: &str, cut: &[Token], source: &dyn Source) -> (usize, Vec<Offer>) {
    let nothing = (code.len(), Vec::new());
    let prefix_len: usize = code.chars().rev().take_while(|c| is_word(*c)).map(char::len_utf8).sum();
    let start = code.len() - prefix_len;
    let prefix = &code[start..];
    // The letters after a number belong to it.
    let is_within = cut.iter().any(|token| token.start < start && start < token.end);
    if is_within || prefix.starts_with(|c: char| c.is_ascii_digit()) {
        return nothing;
    }
    let before = cut.iter().take_while(|token| token.end <= start);
    let Some(path) = chain(code, &before.copied().collect::<Vec<_>>()) else { return nothing };
    if path.is_empty() && prefix.is_empty() {
        return nothing;
    }
    let mut offers: Vec<Offer> =
        source.members(&path, prefix).into_iter().map(|member| member_offer(&path, member)).collect();
    if path.is_empty() {
        let keywords = KEYWORDS.iter().filter(|word| word.starts_with(prefix));
        offers.extend(keywords.map(|word| Offer::plain(*word)));
        offers.sort_by(|a, b| a.text.cmp(&b.text));
        offers.dedup_by(|a, b| a.text == b.text);
    } else if !prefix.starts_with('_') {
        offers.retain(|offer| !offer.text.starts_with("__"));
    }
    (start, offers)
}

/// The names before the last dot, outermost first: none where there is no dot, `None` where what stands there is
/// no chain of names.
fn chain(code: &str, before: &[Token]) -> Option<Vec<String>> {
    let mut names = Vec::new();
    let mut rest = before.iter().rev().peekable();
    let text = |token: &Token| &code[token.start..token.end];
    while rest.next_if(|token| text(token) == ".").is_some() {
        rest.next_if(|token| text(token) == "?");
        let name = rest
            .next()
            .filter(|token| token.kind == Kind::Word || matches!(text(token), "globalThis" | "this"))?;
        names.push(text(name).to_owned());
    }
    names.reverse();
    if names.first().is_some_and(|name| matches!(name.as_str(), "globalThis" | "this")) {
        names.remove(0);
    }
    Some(names)
}

fn member_offer(path: &[String], member: Member) -> Offer {
    let is_called = member.kind == MemberKind::Function;
    let display = match signature(path, &member.name) {
        Some(signature) => signature,
        None if is_called => format!("{}()", member.name),
        None => member.name.clone(),
    };
    Offer { text: member.name, display }
}

#[cfg(test)]
mod tests {
    use cowry_shell_core::{Member, MemberKind};

    use super::{Source, complete};

    /// A small world.
    struct World;

    impl Source for World {
        fn members(&self, path: &[String], prefix: &str) -> Vec<Member> {
            let names: &[(&str, MemberKind)] = match path.join(".").as_str() {
                "" => &[("console", MemberKind::Value), ("cart", MemberKind::Value)],
                "console" => &[("log", MemberKind::Function), ("__own", MemberKind::Value)],
                "state" => &[("readFile", MemberKind::Function), ("readOnly", MemberKind::Value)],
                "cart.items" => &[("apples", MemberKind::Value), ("add", MemberKind::Function)],
                _ => &[],
            };
            let begun = names.iter().filter(|(name, _)| name.starts_with(prefix));
            begun.map(|(name, kind)| Member { name: (*name).into(), kind: *kind }).collect()
        }

        fn files(&self, folder: &str, prefix: &str) -> Vec<String> {
            let names: &[&str] = match folder {
                "/" => &["data/", "out/", "odd'name", "esc\u{1b}ape"],
                "/out" | "out" | "./out" => &["a.json", "b.csv"],
                "." => &["out/", "odd'name"],
                _ => &[],
            };
            names.iter().filter(|name| name.starts_with(prefix)).map(|name| (*name).to_owned()).collect()
        }
    }

    /// What the line becomes with each of the offers.
    fn check(typed: &str, expected: &[&str]) {
        let (start, offers) = complete(typed, &World);
        let lines: Vec<String> =
            offers.iter().map(|offer| format!("{}{}", &typed[..start], offer.text)).collect();
        assert_eq!(lines, expected, "{typed}");
    }

    #[test]
    fn names_of_the_global_scope_and_keywords() {
        check("con", &["console", "const", "continue"]);
        check("x = car", &["x = cart"]);
        check("", &[]);
        check("1 + ", &[]);
        check("12", &[]);
    }

    #[test]
    fn members_of_chains() {
        check("console.", &["console.log"]);
        check("console.__", &["console.__own"]);
        check("f(cart?.items.a", &["f(cart?.items.apples", "f(cart?.items.add"]);
        check("globalThis.car", &["globalThis.cart"]);
        check("`${cart.items.ap", &["`${cart.items.apples"]);
    }

    #[test]
    fn what_is_no_chain_has_no_members() {
        for typed in ["f().a", "x[0].a", "'a'.le", "1.a", "/con", "// con", "`con"] {
            check(typed, &[]);
        }
    }

    #[test]
    fn paths_in_quotes() {
        check("fs.readFileSync('/ou", &["fs.readFileSync('/out/"]);
        check("read(\"/out/", &["read(\"/out/a.json", "read(\"/out/b.csv"]);
        check("read(`/out/b", &["read(`/out/b.csv"]);
        check("read('out/a", &["read('out/a.json"]);
        check("read('./ou", &["read('./out/"]);
        check("read('./out/a", &["read('./out/a.json"]);
        check("read('od", &["read('odd\\'name"]);
        check("read('da", &[]);
        check("read('", &[]);
        check("read('/x'", &[]);
    }

    #[test]
    fn paths_in_imports() {
        check("import x from '/out/a", &["import x from '/out/a.json"]);
        check("import '/ou", &["import '/out/"]);
        check("await import(\"/out/b", &["await import(\"/out/b.csv"]);
    }

    #[test]
    fn paths_in_quotes_within_text() {
        check("sql`select * from '/ou", &["sql`select * from '/out/"]);
        check("sql`select *\n  from '/out/b", &["sql`select *\n  from '/out/b.csv"]);
        check("sql`select ${n} from '/out/a", &["sql`select ${n} from '/out/a.json"]);
        check("sql`select 'it' from \"/out/a", &["sql`select 'it' from \"/out/a.json"]);
        check(
            "sql(\"select * from '/out/",
            &["sql(\"select * from '/out/a.json", "sql(\"select * from '/out/b.csv"],
        );
        check("sql`it's in '/out/a", &["sql`it's in '/out/a.json"]);
    }

    #[test]
    fn what_is_no_path_in_quotes_within_text() {
        for typed in
            ["sql`select 'ou", "sql`select * from '", "sql`select '/out/a.json'", "`${n}/ou", "sql`x '/od"]
        {
            check(typed, &[]);
        }
    }

    #[test]
    fn names_that_a_terminal_would_obey_are_not_offered() {
        check("read('/esc", &[]);
    }

    #[test]
    fn commands_and_their_options() {
        check(".unr", &[]);
        check(".di", &[".discard", ".diff"]);
        check(".diff --st", &[".diff --stat"]);
        check(".runs sh", &[".runs show"]);
        check(".help key", &[".help keys"]);
        check(".cat /out/a", &[".cat /out/a.json"]);
        check(".table cart.items.ap", &[".table cart.items.apples"]);
        check(".5.toF", &[]);
    }

    #[test]
    fn lines_for_bash_are_left_alone() {
        check("$ cat /ou", &[]);
    }

    #[test]
    fn functions_are_listed_as_such() {
        let (_, offers) = complete("cart.items.a", &World);
        let listed: Vec<&str> = offers.iter().map(|offer| offer.display.as_str()).collect();
        assert_eq!(listed, ["apples", "add()"]);
    }

    #[test]
    fn operations_of_state_are_listed_with_their_signature() {
        let (_, offers) = complete("await state.re", &World);
        let listed: Vec<&str> = offers.iter().map(|offer| offer.display.as_str()).collect();
        let signature = "readFile({ path: string }): Promise<string>  The text of a file (UTF-8).";
        assert_eq!(listed, [signature, "readOnly"]);
        assert_eq!(offers[0].text, "readFile");
    }
}
