ln -s ../outside out; mkdir ../outside; echo secret > ../outside/f
