//! Errors as values with names.

/// What stops the engine, one line each.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EngineError {
    /// The variable that lowers the instruction set names another one.
    #[error("this processor has no instruction set {name:?}; it has {available}")]
    InstructionSet {
        /// The name.
        name: String,
        /// Those that there are.
        available: String,
    },
    /// The threads could not be started.
    #[error("{threads} threads could not be started: {reason}")]
    Threads {
        /// How many.
        threads: usize,
        /// The system's words.
        reason: String,
    },
    /// The text of a program is not one.
    #[error("program: {0}")]
    Program(String),
    /// An operation of a program has inputs or attributes that it does not take.
    #[error("program, operation {index} ({name}): {reason}")]
    Operation {
        /// Its place.
        index: usize,
        /// Its name.
        name: String,
        /// What is wrong.
        reason: String,
    },
    /// A constant is missing or other than recorded.
    #[error("constant {name}: {reason}")]
    Constant {
        /// Its name in the program.
        name: String,
        /// What is wrong.
        reason: String,
    },
    /// A training's arrays do not fit together.
    #[error("training: {0}")]
    Training(String),
    /// A regression's arrays do not fit together.
    #[error("regression: {0}")]
    Regression(String),
    /// The input is of another size than the program's.
    #[error("input: {0}")]
    Input(String),
}
