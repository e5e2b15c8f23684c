# Of calls from the console. Each holds a thread of its process for as long as it takes; a web process has so many more
CALLS_AT_ONCE = 4
