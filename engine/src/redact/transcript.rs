//! The words of a call with their times, as recognisers write them.
