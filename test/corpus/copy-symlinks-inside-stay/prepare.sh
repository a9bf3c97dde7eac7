mkdir d; printf r > d/real; ln -s real d/link; ln -s /etc/passwd d/absolute; ln -s nowhere d/dangling; ln -s . d/dirlink
