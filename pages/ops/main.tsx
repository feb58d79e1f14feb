import { render } from 'preact';
import './style.css';

render(<p>Operations</p>, document.getElementById('page')!);
