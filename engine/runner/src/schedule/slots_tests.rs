//! Lanes wait for slots, give them away when they are idle, and lose none when they are dropped.

use std::sync::Arc;

use futures::FutureExt as _;

use super::slots::{Slots, Turn};

/// A lane that has a slot.
fn holder(slots: &Arc<Slots>, priority: u32) -> Turn<&'static str> {
    let mut turn = slots.seat(priority).turn();
    turn.begin().now_or_never().expect("a slot is free");
    *turn.tool() = Some("instance");
    turn
}

#[tokio::test]
async fn nobody_waits_while_slots_are_free() {
    let slots = Slots::new(2, 0);
    let (mut one, _two) = (holder(&slots, 0), holder(&slots, 0));
    let mut third = slots.seat(9).turn::<()>();
    {
        let mut waiting = std::pin::pin!(third.begin());
        assert!(waiting.as_mut().now_or_never().is_none());
        // The lower one goes on at a task's end, and finds that it must wait.
        let mut again = std::pin::pin!(one.begin());
        assert!(again.as_mut().now_or_never().is_none());
        waiting.await;
        assert!(again.as_mut().now_or_never().is_none());
    }
    assert!(one.tool().is_none(), "without a slot a lane has no instance");
    drop(third);
    one.begin().await;
}

#[tokio::test]
async fn a_turn_is_not_over_for_a_lower_priority() {
    let slots = Slots::new(1, 0);
    let mut high = holder(&slots, 5);
    let mut low = slots.seat(4).turn::<()>();
    let mut waiting = std::pin::pin!(low.begin());
    assert!(waiting.as_mut().now_or_never().is_none());
    high.begin().now_or_never().expect("it keeps its slot");
    assert_eq!(*high.tool(), Some("instance"));
    // A lane without a task gives its slot to anybody.
    let (sender, receiver) = tokio::sync::oneshot::channel::<u8>();
    let mut idle = std::pin::pin!(high.while_idle(receiver));
    assert!(idle.as_mut().now_or_never().is_none());
    waiting.await;
    sender.send(7).unwrap();
    assert_eq!(idle.await, Ok(7));
}

#[tokio::test]
async fn a_lane_that_is_idle_hears_of_somebody_who_comes_later() {
    let slots = Slots::new(1, 0);
    let mut idle = holder(&slots, 5);
    let mut never = std::pin::pin!(idle.while_idle(std::future::pending::<()>()));
    assert!(never.as_mut().now_or_never().is_none());
    let mut late = slots.seat(0).turn::<()>();
    let mut waiting = std::pin::pin!(late.begin());
    assert!(waiting.as_mut().now_or_never().is_none());
    assert!(never.as_mut().now_or_never().is_none());
    waiting.now_or_never().expect("the idle lane has given its slot away");
}

#[tokio::test]
async fn who_stops_waiting_takes_no_slot_along() {
    let slots = Slots::new(1, 0);
    let holding = holder(&slots, 0);
    let seat = slots.seat(0);
    let (mut first, mut second) = (seat.turn::<()>(), seat.turn::<()>());
    let mut gone = Box::pin(first.begin());
    let mut stays = Box::pin(second.begin());
    assert!(gone.as_mut().now_or_never().is_none());
    assert!(stays.as_mut().now_or_never().is_none());
    drop(holding); // the slot is handed to the first that waits
    drop(gone);
    stays.as_mut().now_or_never().expect("the slot went on to the second");
    drop(stays);
    drop((first, second));
    holder(&slots, 0);
}

#[tokio::test]
async fn another_priority_moves_a_waiting_job_to_the_front() {
    let slots = Slots::new(1, 0);
    let mut holding = holder(&slots, 5);
    let seat = slots.seat(4);
    let mut turn = seat.turn::<()>();
    let mut waiting = std::pin::pin!(turn.begin());
    assert!(waiting.as_mut().now_or_never().is_none());
    seat.set_priority(6);
    let mut again = std::pin::pin!(holding.begin());
    assert!(again.as_mut().now_or_never().is_none());
    waiting.now_or_never().expect("it has the slot");
}
