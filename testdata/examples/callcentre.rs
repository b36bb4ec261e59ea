//! The lines of a call: `cargo run -p testdata --example callcentre NUMBER...`
fn main() {
    for number in std::env::args().skip(1).filter_map(|n| n.parse().ok()) {
        for line in testdata::callcentre::call(number).lines {
            let words: Vec<String> = line.tokens.into_iter().map(|t| t.text).collect();
            println!("{number} {}: {}", ["agent", "caller"][line.channel.min(1)], words.join(" "));
        }
    }
}
