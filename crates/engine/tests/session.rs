//! Orders that come in while others run: each gets what it gets alone, whatever comes, goes or is cancelled around it, and what
//! is said of tokens beside the drawn ones is right.

#![allow(clippy::unwrap_used)] // a test fails by panicking

use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use tracelift_domain::Seed;
use tracelift_engine::ops::head::Target;
use tracelift_engine::sampling::{Desk, GenerateError, Order, Scored, Session, Ticket, Told};
use tracelift_engine::{
    Batch, Device, Finish, Memory, Model, Numbers, Pass, Request, Sampled, Sampler, Sampling, checkpoint,
};

fn model(name: &str) -> Model {
    checkpoint::load_model(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)).unwrap()
}

/// As different as orders can be: prompts of 1 to 90 tokens of which many begin alike, every way to draw.
fn order(i: u64) -> Order<'static> {
    let shared = (0..(i % 3) * 20).map(|t| (t * 7 % 60) as u32);
    let prompt: Vec<u32> =
        shared.chain((0..1 + i * 13 % 40).map(|t| ((t * 11 + i * 5) % 60) as u32)).collect();
    let plain = Sampling { temperature: 0.8, ..Sampling::greedy(1 + (i as usize * 7) % 25, vec![5]) };
    let sampling = match i % 5 {
        0 => Sampling { temperature: 0.0, ..plain },
        1 => Sampling { top_k: 4, ..plain },
        2 => Sampling { top_p: 0.8, ..plain },
        3 => Sampling { min_p: 0.2, stop: vec![], ..plain },
        _ => plain,
    };
    Order {
        prompt,
        seeds: (0..1 + i % 4).map(|sample| Seed(3).child("sample", i * 10 + sample)).collect(),
        sampling,
        ended: None,
        alternatives: 0,
        scored: false,
    }
}

fn alone(sampler: &Sampler, order: &Order<'_>) -> Vec<Sampled> {
    let request = Request { prompt: order.prompt.clone(), seeds: order.seeds.clone() };
    sampler.generate(&[request], &order.sampling).unwrap().remove(0)
}

#[derive(Default)]
struct Clerk {
    /// One is submitted before every step.
    coming: VecDeque<Order<'static>>,
    /// After how many steps an order is cancelled.
    cancelled: BTreeMap<usize, Ticket>,
    steps: usize,
    /// Token by token, as told.
    drawn: BTreeMap<(Ticket, usize), Vec<(u32, Scored)>>,
    prompts: BTreeMap<Ticket, Vec<Option<Scored>>>,
    ended: BTreeMap<(Ticket, usize), Sampled>,
    reused: usize,
}

impl<'a> Desk<'a> for Clerk {
    fn between(&mut self, session: &mut Session<'a>) {
        self.steps += 1;
        if let Some(order) = self.coming.pop_front() {
            session.submit(order).unwrap();
        }
        if let Some(ticket) = self.cancelled.get(&self.steps) {
            session.cancel(*ticket);
        }
    }

    fn tell(&mut self, told: Told<'_>) {
        match told {
            Told::Prompt { ticket, first, scores } => {
                let all = self.prompts.entry(ticket).or_default();
                assert_eq!(all.len() + 1, first);
                all.extend(scores);
            }
            Told::Token { ticket, sample, token, scored } => {
                self.drawn.entry((ticket, sample)).or_default().push((token, scored.clone()));
            }
            Told::Ended { ticket, sample, sampled, reused } => {
                self.reused += reused;
                assert!(self.ended.insert((ticket, sample), sampled).is_none());
            }
        }
    }
}

#[test]
fn an_order_gets_what_it_gets_alone() {
    for (name, numbers) in
        [("qwen2-gqa-untied", Numbers::F32), ("qwen3-tied", Numbers::Bf16), ("llama3-untied", Numbers::Int8)]
    {
        let sampler = Sampler::on(Device::Cpu, &model(name), numbers);
        let wanted: Vec<Vec<Sampled>> = (0..40).map(|i| alone(&sampler, &order(i))).collect();
        // A cache in which all have room, and one in which few have: then what was left behind is overwritten, and some wait.
        for (sequences, cache, threads) in [(64, 1 << 24, 2), (5, 1 << 17, 1), (2, 1 << 17, 3)] {
            let mut session = sampler.session(sequences, cache, threads);
            let cancelled =
                BTreeMap::from([(3, Ticket(1)), (4, Ticket(3)), (9, Ticket(8)), (12, Ticket(11))]);
            let mut clerk = Clerk { coming: (0..40).map(order).collect(), cancelled, ..Clerk::default() };
            session.work(&mut clerk);
            assert_eq!(session.load(), (0, 0));
            for (i, wanted) in wanted.iter().enumerate() {
                let ticket = Ticket(i as u64);
                for (sample, wanted) in wanted.iter().enumerate() {
                    let drawn = clerk.drawn.remove(&(ticket, sample)).unwrap_or_default();
                    if clerk.cancelled.values().any(|gone| *gone == ticket)
                        && drawn.len() < wanted.tokens.len()
                    {
                        assert!(wanted.tokens.iter().zip(&drawn).all(|(wanted, (token, _))| wanted == token));
                        continue;
                    }
                    let found = &clerk.ended[&(ticket, sample)];
                    assert_eq!(found, wanted, "{name}: order {i}, sample {sample}, of {sequences} at a time");
                    let told: Vec<u32> = drawn.iter().map(|(token, _)| *token).collect();
                    assert_eq!(told, wanted.tokens);
                    assert!(
                        drawn.iter().zip(&wanted.log_probs).all(|((_, scored), p)| scored.log_prob == *p)
                    );
                }
            }
            assert!(clerk.drawn.is_empty() && clerk.reused > 0);
            // The whole cache is free again: the longest sequence fits.
            let longest = session.longest();
            let order = Order { prompt: vec![1; longest - 1], ..order(0) };
            session.submit(Order { sampling: Sampling::greedy(1, vec![]), ..order }).unwrap();
            let mut clerk = Clerk::default();
            session.work(&mut clerk);
            assert_eq!(clerk.ended.len(), 1);
        }
    }
}

#[test]
fn a_beginning_is_read_once_for_those_who_come_later() {
    let sampler = Sampler::on(Device::Cpu, &model("qwen3-tied"), Numbers::F32);
    let mut session = sampler.session(4, 1 << 24, 1);
    let turn = |prompt: Vec<u32>| Order {
        prompt,
        seeds: vec![Seed(1)],
        sampling: Sampling::greedy(6, vec![]),
        ended: None,
        alternatives: 0,
        scored: false,
    };
    let mut clerk = Clerk { coming: [turn((0..40).collect())].into(), ..Clerk::default() };
    session.work(&mut clerk);
    assert_eq!(clerk.reused, 0);
    // The next turn of the same conversation: all of the first but its last token is known, which nobody went on from.
    let said = clerk.ended[&(Ticket(0), 0)].tokens.clone();
    let next = [(0..40).collect(), said, vec![7, 8, 9]].concat();
    let wanted = alone(&sampler, &turn(next.clone()));
    let mut clerk = Clerk { coming: [turn(next)].into(), ..Clerk::default() };
    session.work(&mut clerk);
    assert_eq!((clerk.reused, &clerk.ended[&(Ticket(1), 0)]), (45, &wanted[0]));
}

#[test]
fn tokens_of_a_prompt_are_scored_as_the_trainer_scores_them() {
    let model = model("qwen2-gqa-untied");
    let sampler = Sampler::on(Device::Cpu, &model, Numbers::F32);
    // Longer than what is scored in one step, and one of a single token; the second finds the first's beginning in the cache.
    for (length, new) in [(100, 0), (100, 3), (65, 1), (1, 0), (1, 2)] {
        let prompt: Vec<u32> = (0..length).map(|t| t * 17 % 60).collect();
        let sampling = Sampling { max_tokens: new, ..Sampling::greedy(1, vec![]) };
        let seeds = vec![Seed(1), Seed(2)];
        let order =
            Order { prompt: prompt.clone(), seeds, sampling, ended: None, alternatives: 3, scored: true };
        let mut clerk = Clerk { coming: [two_samples(), order].into(), ..Clerk::default() };
        sampler.session(8, 1 << 24, 2).work(&mut clerk);
        assert_eq!(clerk.ended.len(), 4);
        assert_eq!(clerk.ended[&(Ticket(1), 0)].tokens.len(), new);
        let scores = clerk.prompts.remove(&Ticket(1)).unwrap_or_default();
        assert_eq!(scores.len(), prompt.len() - 1);
        let targets: Vec<Target> =
            (1..prompt.len()).map(|at| Target { row: at as u32 - 1, token: prompt[at] }).collect();
        let mut pass = Pass::new(Memory::Keep);
        pass.forward(&model, &Batch::of([&prompt]));
        for (wanted, found) in pass.score(&model, &targets, 1.0).iter().zip(&scores) {
            let found = found.as_ref().unwrap();
            assert!((wanted.log_prob - found.log_prob).abs() < 1e-4, "{wanted:?} {found:?}");
            assert_eq!(found.alternatives.len(), 3);
            assert!(found.alternatives.is_sorted_by(|one, other| one.1 >= other.1));
            assert!(found.alternatives[0].1 >= found.log_prob);
        }
        // Greedy: the drawn token is the first of those told beside it.
        for sample in 0..2 {
            for (token, scored) in clerk.drawn.get(&(Ticket(1), sample)).into_iter().flatten() {
                assert_eq!(scored.alternatives[0], (*token, scored.log_prob));
            }
        }
        assert_eq!(clerk.ended[&(Ticket(1), 0)].finish, Finish::Length);
    }
}

fn two_samples() -> Order<'static> {
    Order { seeds: vec![Seed(1), Seed(2)], ..order(8) }
}

#[test]
fn what_cannot_be_done_is_refused_and_nothing_else_is_touched() {
    let sampler = Sampler::on(Device::Cpu, &model("qwen3-tied"), Numbers::F32);
    let mut session = sampler.session(2, 1 << 24, 1);
    let refused = |order: Order<'static>, session: &mut Session<'_>| session.submit(order).unwrap_err();
    assert!(matches!(
        refused(Order { prompt: vec![], ..order(1) }, &mut session),
        GenerateError::EmptyPrompt(0)
    ));
    assert!(matches!(
        refused(Order { prompt: vec![1; 128], ..order(1) }, &mut session),
        GenerateError::TooLong { prompt: 128, context: 128, .. }
    ));
    assert!(matches!(
        refused(Order { prompt: vec![70_000], ..order(1) }, &mut session),
        GenerateError::UnknownToken { token: 70_000, .. }
    ));
    let none = Sampling { max_tokens: 0, ..Sampling::greedy(1, vec![]) };
    assert!(matches!(refused(Order { sampling: none, ..order(1) }, &mut session), GenerateError::Setting(_)));
    assert_eq!(session.load(), (0, 0));
}
