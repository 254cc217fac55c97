//! How a statement asks for each operation.

use super::op::Verb;

/// Verb phrases that ask for an operation: for training, and for testing.
pub(super) fn phrases(verb: Verb) -> (&'static [&'static str], &'static [&'static str]) {
    use Verb::*;
    match verb {
        KeepEven => (
            &[
                "keep only the even numbers",
                "throw away every odd number",
                "leave out the numbers that are odd",
                "keep the numbers that 2 divides",
            ],
            &["throw away the numbers that are odd", "leave out every odd number"],
        ),
        KeepOdd => (
            &[
                "keep only the odd numbers",
                "throw away every even number",
                "leave out the numbers that are even",
                "keep the numbers that 2 does not divide",
            ],
            &["throw away the numbers that are even", "leave out every even number"],
        ),
        KeepAbove => (
            &[
                "keep only the numbers above {k}",
                "throw away every number that is {k} or less",
                "leave out the numbers that are not above {k}",
            ],
            &["keep every number that is above {k}", "leave out the numbers that are {k} or less"],
        ),
        KeepFrom => (
            &[
                "keep only the numbers that are {k} or more",
                "throw away every number below {k}",
                "leave out the numbers that are not {k} or more",
            ],
            &["keep every number that is {k} or more", "leave out the numbers below {k}"],
        ),
        KeepBelow => (
            &[
                "keep only the numbers below {k}",
                "throw away every number that is {k} or more",
                "leave out the numbers that are not below {k}",
            ],
            &["keep every number that is below {k}", "leave out the numbers that are {k} or more"],
        ),
        KeepUpTo => (
            &[
                "keep only the numbers that are {k} or less",
                "throw away every number above {k}",
                "leave out the numbers that are not {k} or less",
            ],
            &["keep every number that is {k} or less", "leave out the numbers above {k}"],
        ),
        KeepMultiples => (
            &[
                "keep only the numbers that {k} divides",
                "throw away every number that {k} does not divide",
                "leave out the numbers that are not divisible by {k}",
            ],
            &["keep every number that is divisible by {k}", "leave out the numbers that {k} does not divide"],
        ),
        DropMultiples => (
            &[
                "keep only the numbers that {k} does not divide",
                "throw away every number that {k} divides",
                "leave out the numbers that are divisible by {k}",
            ],
            &["keep every number that is not divisible by {k}", "leave out the numbers that {k} divides"],
        ),
        DropFirst => (
            &[
                "throw away the first {k} numbers",
                "cut {k} numbers from the front",
                "leave out the {k} numbers in front",
            ],
            &["leave out the first {k} numbers", "throw away {k} numbers from the front"],
        ),
        DropLast => (
            &[
                "throw away the last {k} numbers",
                "cut {k} numbers from the back",
                "leave out the {k} numbers at the back",
            ],
            &["leave out the last {k} numbers", "throw away {k} numbers from the back"],
        ),
        TakeFirst => (
            &[
                "keep only the first {k} numbers",
                "throw away all but the first {k} numbers",
                "cut off everything behind the first {k} numbers",
            ],
            &[
                "leave out all but the first {k} numbers",
                "throw away everything behind the first {k} numbers",
            ],
        ),
        TakeLast => (
            &[
                "keep only the last {k} numbers",
                "throw away all but the last {k} numbers",
                "cut off everything in front of the last {k} numbers",
            ],
            &[
                "leave out all but the last {k} numbers",
                "throw away everything in front of the last {k} numbers",
            ],
        ),
        Add => (
            &["increase every number by {k}", "make every number {k} larger", "raise each number by {k}"],
            &["raise every number by {k}", "make each number {k} larger"],
        ),
        Subtract => (
            &["decrease every number by {k}", "make every number {k} smaller", "lower each number by {k}"],
            &["lower every number by {k}", "make each number {k} smaller"],
        ),
        Multiply => (
            &[
                "scale every number by {k}",
                "make every number {k} times as large",
                "replace each number by {k} times itself",
            ],
            &["scale each number by {k}", "replace every number by {k} times itself"],
        ),
        Square => (
            &[
                "scale every number by itself",
                "replace each number by its second power",
                "raise every number to the power of 2",
            ],
            &["scale each number by itself", "raise each number to its second power"],
        ),
        Negate => (
            &[
                "flip the sign of every number",
                "replace each number by its opposite",
                "change the sign of each number",
            ],
            &["change the sign of every number", "replace every number by its opposite"],
        ),
        Absolute => (
            &[
                "cut off the minus sign of every number",
                "replace each number by its distance from 0",
                "flip the sign of every number below 0",
            ],
            &["replace every number by its distance from 0", "change the sign of each number below 0"],
        ),
        SortUp => (
            &[
                "sort the list so that the smallest number is in front",
                "put the numbers in rising order",
                "order the numbers from small to large",
            ],
            &["put the list in rising order", "sort the numbers from small to large"],
        ),
        SortDown => (
            &[
                "sort the list so that the largest number is in front",
                "put the numbers in falling order",
                "order the numbers from large to small",
            ],
            &["put the list in falling order", "sort the numbers from large to small"],
        ),
        Reverse => (
            &[
                "turn the list around",
                "put the numbers in the opposite order",
                "flip the list from back to front",
            ],
            &["put the list in the opposite order", "turn the list from back to front"],
        ),
        DropRepeats => (
            &[
                "keep only the first copy of every number",
                "throw away every later copy of a number",
                "leave out every number that is a copy of one in front of it",
            ],
            &["leave out every later copy of a number", "keep the first copy of each number"],
        ),
        RunningSums => (
            &[
                "replace each number by the total of the list so far",
                "turn the numbers into their running totals",
                "add to each number all that were in front of it",
            ],
            &["replace every number by the total so far", "turn the list into its running totals"],
        ),
    }
}
