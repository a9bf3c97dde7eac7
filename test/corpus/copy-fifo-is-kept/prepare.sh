mkdir d; printf f > d/f; mkfifo -m 644 d/p
