//! `vouch call`: a call as it happens, from a pipe or a file.

use anyhow::{Context, Result};
use cli_app::analysis::{Toolkit, open_channel};
use cli_app::live::{LiveSource, Room};

use crate::args::{CallArgs, Global};
use crate::meter::Meter;
use crate::outcome::{Exit, Output};

pub(super) fn run(global: &Global, out: Output, args: &CallArgs) -> Result<Exit> {
    let tools = Toolkit::load(global)?;
    let domain = global.open()?;
    let (mut source, rate) = open_channel(&args.file, &args.input)?;
    let name = source.file().name().to_owned();
    let at = |seconds: f64| (seconds * f64::from(rate.hz())).round() as u64;
    // Overlapping passages are one.
    let inside = |sample: u64| args.secure.iter().any(|s| (at(s.from_s)..at(s.to_s)).contains(&sample));
    let mut edges: Vec<u64> = args.secure.iter().flat_map(|s| [at(s.from_s), at(s.to_s)]).collect();
    edges.sort_unstable();
    edges.dedup();

    let heard = LiveSource { rate, device: None, agent: source.has_other() };
    let mut room = Room::open(&tools, &domain, heard, &args.live, global, |s| Meter::open(s, global.quiet))?;
    let (mut chunk, mut other, mut position) = (Vec::new(), Vec::new(), 0u64);
    'call: while source.next_chunk(&mut chunk)? > 0 {
        source.other(&mut other);
        let (mut rest, mut agent) = (chunk.as_slice(), other.as_slice());
        while !rest.is_empty() {
            if edges.first().is_some_and(|&edge| edge <= position) {
                edges.remove(0);
                room.secure(inside(position)).with_context(|| name.clone())?;
                continue;
            }
            let most = edges.first().map_or(usize::MAX, |edge| usize::try_from(edge - position).unwrap_or(usize::MAX));
            let (now, later) = rest.split_at(rest.len().min(most));
            let (agent_now, agent_later) = agent.split_at(now.len().min(agent.len()));
            room.hear(now, source.has_other().then_some(agent_now)).with_context(|| name.clone())?;
            position += now.len() as u64;
            (rest, agent) = (later, agent_later);
            if room.answered() {
                break 'call;
            }
        }
    }
    super::ended::print(out, &room.close()?, args.live.record.as_deref())
}
