//! How long rewards wait, and how busy executors are: a simulation of one reward server, its queue and the replicas behind it.
//!
//! Groups of completions arrive; each asks for `K` runs an item and, where its question is new, `K` more without a trace. Calls wait in one
//! queue, as the server has it, for one of `replicas · slots` places, and take as long as one of the latencies that were measured, drawn
//! at random. What the simulation leaves out is said by what goes in: latencies are those of a replica that serves `slots` requests at a
//! time (measure them so), and verdicts, readings and the network take no time.

use rand::Rng;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::time::Duration;
use tracelift_domain::Seed;

/// How rewards are asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Demand {
    /// Groups a second, on average.
    pub groups_per_s: f64,
    /// How many come together: a trainer's step sends all its groups at once.
    pub together: usize,
    /// Completions of a group, G.
    pub group: usize,
    /// Runs, K.
    pub runs: usize,
    /// The share of questions whose baseline is known, from 0 to 1.
    pub known: f64,
}

/// What answers.
#[derive(Clone, Debug, PartialEq)]
pub struct Supply<'a> {
    /// Replicas of the executor.
    pub replicas: usize,
    /// Calls of one replica at a time.
    pub slots: usize,
    /// Seconds that calls took; at least one, each above 0.
    pub latencies: &'a [f64],
}

/// Times, in seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Times {
    /// Their mean.
    pub mean: f64,
    /// The median.
    pub p50: f64,
    /// The 95th percentile.
    pub p95: f64,
    /// The 99th.
    pub p99: f64,
}

impl Times {
    /// Of these, in any order; zero of none.
    #[must_use]
    pub fn of(mut times: Vec<f64>) -> Times {
        times.sort_by(f64::total_cmp);
        let Some(last) = times.len().checked_sub(1) else { return Times::default() };
        let at = |share: f64| times[((last as f64 * share).round() as usize).min(last)];
        let mean = times.iter().sum::<f64>() / times.len() as f64;
        Times { mean, p50: at(0.5), p95: at(0.95), p99: at(0.99) }
    }
}

/// What comes of demand and supply.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Forecast {
    /// The share of the places that is taken, from 0 to 1.
    pub utilisation: f64,
    /// What the demand takes of what there is: from 1 on the queue grows without end.
    pub load: f64,
    /// How long calls wait for a place.
    pub waiting: Times,
    /// From an item's arrival to its reward.
    pub reward: Times,
    /// From a group's arrival to the last of its rewards.
    pub group: Times,
    /// Calls a second that were answered.
    pub calls_per_s: f64,
}

/// A time in order: no time here is NaN.
#[derive(Clone, Copy, PartialEq)]
struct At(f64);

impl Eq for At {}

impl PartialOrd for At {
    fn partial_cmp(&self, other: &At) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for At {
    fn cmp(&self, other: &At) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

/// A call that waits: its group, the item (the baseline's calls are of none), when it came.
struct Call {
    group: usize,
    item: Option<usize>,
    came: f64,
}

/// What is open of a group.
struct Open {
    came: f64,
    /// Runs that are missing of each item.
    items: Vec<usize>,
    baseline: usize,
}

/// Simulates so long; what arrives in the first fifth fills the queue and is not counted.
#[must_use]
pub fn forecast(demand: &Demand, supply: &Supply<'_>, lasting: Duration, seed: Seed) -> Forecast {
    // What arrives is the same for any supply, so that two forecasts differ by that alone.
    let [mut arrivals, mut rng] = ["arrivals", "latencies"].map(|what| seed.child(what, 0).rng());
    let (end, warm) = (lasting.as_secs_f64(), lasting.as_secs_f64() / 5.0);
    let places = supply.replicas * supply.slots;
    let mean = supply.latencies.iter().sum::<f64>() / supply.latencies.len().max(1) as f64;
    let calls = demand.runs as f64 * (demand.group as f64 + 1.0 - demand.known);
    let load = demand.groups_per_s * calls * mean / places.max(1) as f64;
    if places == 0 || supply.latencies.is_empty() || demand.group == 0 || demand.groups_per_s <= 0.0 {
        return Forecast { load, ..Forecast::default() };
    }
    let mut groups: Vec<Open> = Vec::new();
    let mut queue: VecDeque<Call> = VecDeque::new();
    // When calls that are being answered will be.
    let mut busy: BinaryHeap<Reverse<(At, usize, Option<usize>)>> = BinaryHeap::new();
    let (mut now, mut next_arrival, mut taken, mut answered) = (0.0, 0.0, 0.0, 0_u64);
    let (mut waiting, mut rewards, mut whole) = (Vec::new(), Vec::new(), Vec::new());
    loop {
        let next_end = busy.peek().map(|Reverse((At(at), ..))| *at);
        let next = match next_end {
            Some(at) if at <= next_arrival => at,
            _ if next_arrival < end => next_arrival,
            Some(at) => at,
            None => break,
        };
        if next > warm && next <= end {
            taken += busy.len() as f64 * (next - f64::max(now, warm));
        }
        now = next;
        if next_end == Some(next) && next <= next_arrival || next_arrival >= end {
            let Some(Reverse((_, group, item))) = busy.pop() else { break };
            answered += u64::from(now > warm && now <= end);
            let open = &mut groups[group];
            match item {
                Some(item) => open.items[item] -= 1,
                None => open.baseline -= 1,
            }
            if open.came > warm {
                // An item is rewarded once its own runs and the baseline are there.
                match item {
                    Some(item) if open.items[item] == 0 && open.baseline == 0 => {
                        rewards.push(now - open.came)
                    }
                    None if open.baseline == 0 => {
                        let done = open.items.iter().filter(|missing| **missing == 0).count();
                        rewards.extend(std::iter::repeat_n(now - open.came, done));
                    }
                    _ => {}
                }
                if open.baseline == 0 && open.items.iter().all(|missing| *missing == 0) {
                    whole.push(now - open.came);
                }
            }
        } else {
            for _ in 0..demand.together.max(1) {
                let baseline =
                    if arrivals.random_bool(demand.known.clamp(0.0, 1.0)) { 0 } else { demand.runs };
                let group = groups.len();
                groups.push(Open { came: now, items: vec![demand.runs; demand.group], baseline });
                // As the server hands them in: an item's runs, and with the first one's the baseline's.
                for item in 0..demand.group {
                    let call = |item| Call { group, item, came: now };
                    queue.extend((0..demand.runs).map(|_| call(Some(item))));
                    if item == 0 {
                        queue.extend((0..baseline).map(|_| call(None)));
                    }
                }
            }
            // Arrivals know nothing of each other.
            let share: f64 = arrivals.random_range(f64::MIN_POSITIVE..1.0);
            next_arrival = now - share.ln() * demand.together.max(1) as f64 / demand.groups_per_s;
        }
        while busy.len() < places {
            let Some(Call { group, item, came }) = queue.pop_front() else { break };
            if came > warm {
                waiting.push(now - came);
            }
            let latency = supply.latencies[rng.random_range(0..supply.latencies.len())];
            busy.push(Reverse((At(now + latency), group, item)));
        }
        // A queue that only grows tells all that it will before the end.
        if queue.len() > 4_000_000 {
            break;
        }
    }
    let counted = end - warm;
    Forecast {
        utilisation: taken / (places as f64 * counted),
        load,
        waiting: Times::of(waiting),
        reward: Times::of(rewards),
        group: Times::of(whole),
        calls_per_s: answered as f64 / counted,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LONG: Duration = Duration::from_secs(4000);

    fn demand(groups_per_s: f64) -> Demand {
        Demand { groups_per_s, together: 1, group: 1, runs: 1, known: 1.0 }
    }

    #[test]
    fn one_place_waits_as_the_formula_of_pollaczek_and_khinchine_says() {
        // M/D/1: W = ρ·s / (2·(1 − ρ)), with ρ = 0.6 and s = 1.
        let supply = Supply { replicas: 1, slots: 1, latencies: &[1.0] };
        let found = forecast(&demand(0.6), &supply, Duration::from_secs(100_000), Seed(1));
        assert!((found.waiting.mean - 0.75).abs() < 0.05, "{found:?}");
        assert!((found.utilisation - 0.6).abs() < 0.01 && (found.load - 0.6).abs() < 1e-12, "{found:?}");
        // M/G/1 with times of 0.5 and 1.5: W = λ·E[s²] / (2·(1 − ρ)) = 0.6·1.25 / 0.8.
        let supply = Supply { latencies: &[0.5, 1.5], ..supply };
        let found = forecast(&demand(0.6), &supply, Duration::from_secs(100_000), Seed(1));
        assert!((found.waiting.mean - 0.9375).abs() < 0.07, "{found:?}");
    }

    #[test]
    fn with_room_enough_nobody_waits_and_a_group_costs_what_it_does() {
        let supply = Supply { replicas: 100, slots: 10, latencies: &[0.05] };
        let demand = Demand { groups_per_s: 2.0, together: 1, group: 8, runs: 3, known: 0.0 };
        let found = forecast(&demand, &supply, LONG, Seed(2));
        assert_eq!(found.waiting.p99, 0.0);
        assert!(
            (found.reward.mean - 0.05).abs() < 1e-9 && (found.group.p99 - 0.05).abs() < 1e-9,
            "{found:?}"
        );
        assert!((found.calls_per_s / (2.0 * 27.0) - 1.0).abs() < 0.05, "{found:?}");
        let warm = forecast(&Demand { known: 1.0, ..demand }, &supply, LONG, Seed(2));
        assert!((warm.calls_per_s / (2.0 * 24.0) - 1.0).abs() < 0.05, "{warm:?}");
    }

    #[test]
    fn bursts_wait_and_too_much_is_said_to_be() {
        let supply = Supply { replicas: 1, slots: 24, latencies: &[1.0] };
        let demand = Demand { groups_per_s: 0.1, together: 10, group: 8, runs: 3, known: 1.0 };
        let found = forecast(&demand, &supply, LONG, Seed(3));
        // 240 calls at once in 24 places of a second: ten rounds.
        assert!(found.group.p50 >= 5.0 && found.load < 0.2, "{found:?}");
        let found =
            forecast(&Demand { groups_per_s: 2.0, ..demand }, &supply, Duration::from_secs(200), Seed(3));
        assert!(found.load > 1.9 && found.utilisation > 0.95, "{found:?}");
        assert_eq!(forecast(&Demand { group: 0, ..demand }, &supply, LONG, Seed(3)).utilisation, 0.0);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]
        #[test]
        fn no_demand_breaks_it(
            rate in 0.01..3.0f64, together in 0usize..5, group in 0usize..5, runs in 0usize..4, known in 0.0..=1.0f64,
            replicas in 0usize..4, slots in 0usize..4, seed in 0u64..99,
        ) {
            let demand = Demand { groups_per_s: rate, together, group, runs, known };
            let supply = Supply { replicas, slots, latencies: &[0.1, 0.4, 2.0] };
            let found = forecast(&demand, &supply, Duration::from_secs(200), Seed(seed));
            prop_assert!((0.0..=1.0 + 1e-9).contains(&found.utilisation), "{found:?}");
            prop_assert!(found.waiting.p50 <= found.waiting.p99 && found.reward.p50 <= found.group.p99 + 1e-9);
            prop_assert_eq!(found, forecast(&demand, &supply, Duration::from_secs(200), Seed(seed)));
        }
    }
}
