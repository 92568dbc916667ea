"""What checkpoints are whatever holds them: which types they may hold, how they are encrypted, how long they are kept."""
