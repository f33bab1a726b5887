//! Columns that line up.

/// Rows of cells. A cell is padded by the width of its text; paint it only after that, with [`Table::lines`].
#[derive(Debug, Default)]
pub struct Table {
    rows: Vec<Vec<String>>,
    right: Vec<usize>,
}

impl Table {
    /// A table whose columns `right` are aligned to the right.
    pub fn new(right: &[usize]) -> Table {
        Table { rows: Vec::new(), right: right.to_vec() }
    }

    /// Adds a row.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// The rows as lines, each cell painted by `paint(row, column, padded)`. The last column is not padded.
    pub fn lines(&self, paint: impl Fn(usize, usize, &str) -> String) -> Vec<String> {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |column: usize| {
            self.rows
                .iter()
                .filter_map(|row| row.get(column))
                .map(|cell| cell.chars().count())
                .max()
                .unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        let line = |(at, row): (usize, &Vec<String>)| {
            let cell = |(column, cell): (usize, &String)| {
                let width = widths[column];
                let padded = match (self.right.contains(&column), column + 1 == columns) {
                    (true, _) => format!("{cell:>width$}"),
                    (false, true) => cell.clone(),
                    (false, false) => format!("{cell:<width$}"),
                };
                paint(at, column, &padded)
            };
            let cells: Vec<String> = row.iter().enumerate().map(cell).collect();
            cells.join("  ").trim_end().to_owned()
        };
        self.rows.iter().enumerate().map(line).collect()
    }

    /// The rows as lines, unpainted.
    #[cfg(test)]
    pub fn plain_lines(&self) -> Vec<String> {
        self.lines(|_, _, cell| cell.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::Table;

    #[test]
    fn columns_line_up() {
        let mut table = Table::new(&[1]);
        for row in [["a", "1", "x"], ["long", "100", "y y"]] {
            table.row(row.map(str::to_owned));
        }
        assert_eq!(table.plain_lines(), ["a       1  x", "long  100  y y"]);
    }
}
