//! Where the session stands, and what it may use.

use cowry_shell_core::units::{format_duration, format_size};
use cowry_shell_core::{Limits, Mount, RevisionFilter};

use super::Evaluating;
use crate::command::run_args::Bounds;
use crate::failure::Outcome;
use crate::output::Output;
use crate::policy;
use crate::render::{Table, counted, shown, summary};

impl Evaluating {
    /// Tells of workspace, base, changes, others' revisions, mounts and limits.
    pub(super) fn status(&mut self, out: &mut Output) -> Outcome<()> {
        let mut rows = vec![("workspace", self.place())];
        if !self.workspace.is_scratch() {
            let base = self.session().base().0;
            let committed =
                self.revision.map(|revision| format!(", committed up to {revision}")).unwrap_or_default();
            rows.push(("base", format!("revision {base}{committed}")));
            rows.push(("others", self.others()?));
        }
        rows.push(("changes", summary(self.session().diff()?.summary())));
        rows.extend(self.session().mounts().iter().map(|mount| ("mount", mount_words(mount))));
        rows.push(("limits", limit_words(&self.session().limits())));
        let mut table = Table::new(&[]);
        for (name, value) in rows {
            table.row([name.to_owned(), value]);
        }
        let style = out.style;
        let lines =
            table.lines(|_, column, cell| if column == 0 { style.faint(cell) } else { cell.to_owned() });
        self.show_lines(out, lines)
    }

    fn place(&self) -> String {
        match self.workspace.path() {
            Some(path) => shown(&path.display().to_string()),
            None => "scratch: nothing is kept without -w FILE".into(),
        }
    }

    /// How many revisions are newer than what the session knows.
    fn others(&self) -> Outcome<String> {
        let known = self.revision.unwrap_or(0).max(self.session().base().0);
        let latest =
            self.workspace.log_of(&RevisionFilter { limit: Some(1), ..RevisionFilter::default() })?;
        let head = latest.first().map_or(0, |info| info.id.0);
        Ok(match head.saturating_sub(known) {
            0 => "nothing new".into(),
            count => format!("{} since: .refresh takes them", counted(count, "revision")),
        })
    }

    /// Lists mounts, or makes one.
    pub(super) fn mount(&mut self, mount: Option<&str>, out: &mut Output) -> Outcome<()> {
        let Some(mount) = mount else {
            let lines: Vec<String> = self.session().mounts().iter().map(mount_words).collect();
            if lines.is_empty() {
                out.note("nothing is mounted");
            }
            return self.show_lines(out, lines);
        };
        let mount = Mount::parse(mount)?;
        policy::lasts(&mount)?;
        let words = mount_words(&mount);
        self.session().mount(mount)?;
        out.note(&format!("mounted {words}; globals are lost"));
        Ok(())
    }

    /// Shows the limits, or sets some.
    pub(super) fn limits(&mut self, bounds: &Bounds, out: &mut Output) -> Outcome<()> {
        if *bounds == Bounds::default() {
            let words = limit_words(&self.session().limits());
            return self.show(out, &format!("{words}\n"));
        }
        let limits = bounds.over(*self.session().limit_settings());
        self.session().set_limits(limits)?;
        let words = limit_words(&self.session().limits());
        out.note(&format!("{words}; globals are lost"));
        Ok(())
    }
}

fn mount_words(mount: &Mount) -> String {
    let mode = if mount.is_writable() { "rw" } else { "ro" };
    format!("{} from {} ({mode})", shown(mount.at.as_str()), shown(&mount.source.to_string()))
}

fn limit_words(limits: &Limits) -> String {
    format!(
        "memory {}, cpu {}, wall {}, scratch {}",
        format_size(limits.memory_bytes),
        format_duration(limits.cpu),
        format_duration(limits.wall),
        format_size(limits.scratch_bytes)
    )
}
