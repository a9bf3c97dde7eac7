mkdir dir; printf f > dir/f; ln -s dir link
