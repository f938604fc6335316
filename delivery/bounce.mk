# nothing made here yet
