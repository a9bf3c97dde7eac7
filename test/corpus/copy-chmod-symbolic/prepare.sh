printf p > plain; printf p > program; mkdir dir; printf f > dir/f; chmod 600 plain dir/f; chmod 700 program dir
