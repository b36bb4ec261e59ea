//! Who speaks, by number.

/// Numbers speakers as they appear.
#[derive(Default)]
pub(super) struct Speakers {
    pub(super) names: Vec<String>,
}

impl Speakers {
    pub(super) fn number(&mut self, name: &str) -> usize {
        match self.names.iter().position(|n| n == name) {
            Some(number) => number,
            None => {
                self.names.push(name.to_owned());
                self.names.len() - 1
            }
        }
    }
}
