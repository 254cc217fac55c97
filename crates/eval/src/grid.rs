//! Grids: cells for people, as aligned plain text or as Markdown.

/// A header and rows of as many cells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grid {
    /// What heads each column.
    pub header: Vec<String>,
    /// The cells, row by row. The first one of a row names it.
    pub rows: Vec<Vec<String>>,
}

impl Grid {
    /// Plain text with aligned columns: names to the left, numbers to the right.
    #[must_use]
    pub fn text(&self) -> String {
        let widths: Vec<usize> = (0..self.header.len())
            .map(|column| self.lines().map(|cells| width(cells, column)).max().unwrap_or(0))
            .collect();
        let mut text = String::new();
        for cells in self.lines() {
            let mut line = String::new();
            for (column, wide) in widths.iter().enumerate() {
                let padding = " ".repeat(wide - width(cells, column));
                let cell = cells.get(column).map_or("", String::as_str);
                let gap = if column == 0 { "" } else { "  " };
                line.push_str(&match column {
                    0 => format!("{gap}{cell}{padding}"),
                    _ => format!("{gap}{padding}{cell}"),
                });
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }

    /// A Markdown table.
    #[must_use]
    pub fn markdown(&self) -> String {
        let line = |cells: &[String]| {
            let cells: Vec<String> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
            format!("| {} |\n", cells.join(" | "))
        };
        let rule: Vec<String> = (0..self.header.len())
            .map(|column| if column == 0 { "---" } else { "---:" }.to_owned())
            .collect();
        let rows: String = self.rows.iter().map(|cells| line(cells)).collect();
        line(&self.header) + &line(&rule) + &rows
    }

    /// A LaTeX table of the package `booktabs`.
    #[must_use]
    pub fn latex(&self) -> String {
        let line = |cells: &[String]| {
            let cells: Vec<String> = cells.iter().map(|cell| latex(cell)).collect();
            format!("{} \\\\\n", cells.join(" & "))
        };
        let columns = format!("l{}", "r".repeat(self.header.len().saturating_sub(1)));
        let rows: String = self.rows.iter().map(|cells| line(cells)).collect();
        format!(
            "\\begin{{tabular}}{{{columns}}}\n\\toprule\n{}\\midrule\n{rows}\\bottomrule\n\\end{{tabular}}\n",
            line(&self.header)
        )
    }

    fn lines(&self) -> impl Iterator<Item = &[String]> {
        std::iter::once(self.header.as_slice()).chain(self.rows.iter().map(Vec::as_slice))
    }
}

/// A cell in LaTeX.
fn latex(cell: &str) -> String {
    let mut text = String::new();
    for c in cell.chars() {
        match c {
            '&' | '%' | '$' | '#' | '_' | '{' | '}' => text.extend(['\\', c]),
            '\\' => text.push_str("\\textbackslash{}"),
            '~' => text.push_str("\\textasciitilde{}"),
            '^' => text.push_str("\\textasciicircum{}"),
            '±' => text.push_str("$\\pm$"),
            '−' => text.push_str("$-$"),
            '–' => text.push_str("--"),
            '…' => text.push_str("\\dots{}"),
            'λ' => text.push_str("$\\lambda$"),
            c => text.push(c),
        }
    }
    text
}

fn width(cells: &[String], column: usize) -> usize {
    cells.get(column).map_or(0, |cell| cell.chars().count())
}
