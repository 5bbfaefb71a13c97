/* For the programs that a C library's own build links, to try the compiler: nothing is counted. */
void __sanitizer_cov_trace_pc(void) {}
