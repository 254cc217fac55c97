//! Colours: the same name has the same one in every chart.

/// How many colours there are; beyond, they repeat with dashed lines.
const COLOURS: usize = 7;

/// Names in the order in which they get colours.
#[derive(Clone, Debug, Default)]
pub(crate) struct Palette {
    names: Vec<String>,
}

impl Palette {
    /// Gives each name a colour, in order, once.
    pub(crate) fn of<'a>(names: impl IntoIterator<Item = &'a str>) -> Palette {
        let mut palette = Palette::default();
        for name in names {
            if !palette.names.iter().any(|known| known == name) {
                palette.names.push(name.to_owned());
            }
        }
        palette
    }

    /// The CSS classes of a name.
    pub(crate) fn classes(&self, name: &str) -> String {
        let slot = self.names.iter().position(|known| known == name).unwrap_or(self.names.len());
        let dashed = if slot / COLOURS % 2 == 1 { " dashed" } else { "" };
        format!("c{}{dashed}", slot % COLOURS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_keeps_its_colour() {
        let names = ["a", "b", "a", "c", "d", "e", "f", "g", "h"];
        let palette = Palette::of(names);
        assert_eq!(palette.classes("a"), "c0");
        assert_eq!(palette.classes("c"), "c2");
        assert_eq!(palette.classes("h"), "c0 dashed");
    }
}
